// SPDX-License-Identifier: Apache-2.0
// The parts of oneDNN every kernel file shares: engine, stream, data types, a cache of primitives.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>

#include "core/dtype.h"

namespace reel::cpu::onednn {

dnnl::engine& engine();
dnnl::stream& stream();

inline dnnl::memory::data_type data_type(DType dtype) {
  return dtype == DType::kBF16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

inline dnnl::memory wrap(const dnnl::memory::desc& desc, const void* data) {
  return dnnl::memory(desc, engine(), const_cast<void*>(data));
}

// Everything that tells two primitives apart, as numbers.
using Key = std::array<int64_t, 12>;

// Makes what is missing; entries live as long as the process. Callers come one at a
// time: add_onednn_kernels() sees to it.
template <typename Value, typename Make>
const Value& cached(std::map<Key, Value>& cache, const Key& key, Make make) {
  auto found = cache.find(key);
  if (found == cache.end()) found = cache.emplace(key, make()).first;
  return found->second;
}

// Memory for intermediate results that grows to what the largest call needs.
float* scratch_floats(int slot, int64_t elements);

}  // namespace reel::cpu::onednn
