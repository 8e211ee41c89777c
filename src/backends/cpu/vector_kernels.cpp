// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/vector_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/numerics/int8_rotation.h"

// The target is set for these regions only: code of other headers must not be compiled for an
// instruction set that the CPU at hand may lack.
namespace reel::cpu {
namespace avx2 {
namespace {
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,movbe,f16c")
#include "backends/cpu/vector_body.inc"
#pragma GCC pop_options
}  // namespace
}  // namespace avx2

namespace avx512 {
namespace {
#pragma GCC push_options
#pragma GCC target( \
    "avx2,fma,bmi,bmi2,lzcnt,movbe,f16c,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
#include "backends/cpu/vector_body.inc"
#pragma GCC pop_options
}  // namespace
}  // namespace avx512

void add_vector_kernels(ops::Kernels& table, Isa isa) {
  isa >= Isa::kAvx512 ? avx512::add_kernels(table) : avx2::add_kernels(table);
}

const VectorHelpers& vector_helpers(Isa isa) {
  return isa >= Isa::kAvx512 ? avx512::kHelpers : avx2::kHelpers;
}

}  // namespace reel::cpu
