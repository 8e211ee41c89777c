// SPDX-License-Identifier: Apache-2.0
// The reference for what a LoRA adds to a weight.
#include <algorithm>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"

namespace reel::cpu::reference {
namespace {

std::vector<float> as_floats(const void* data, DType dtype, int64_t elements) {
  std::vector<float> values(static_cast<size_t>(elements));
  for (int64_t at = 0; at < elements; ++at) values[static_cast<size_t>(at)] = load(data, dtype, at);
  return values;
}

// One row of up * down, each element summed over the rank in order.
void product_row(const ops::AddDeltaArgs& args, int64_t row, const float* down, float* sums) {
  std::fill_n(sums, args.width, 0.0f);
  for (int64_t k = 0; k < args.rank; ++k) {
    const float factor = load(args.up, args.up_dtype, row * args.rank + k);
    const float* const from = down + k * args.width;
    for (int64_t at = 0; at < args.width; ++at) sums[at] += factor * from[at];
  }
}

void add_full(const ops::AddDeltaArgs& args) {
  parallel_for(args.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * args.width; at < end * args.width; ++at) {
      args.x[at] += args.factor * load(args.up, args.up_dtype, at);
    }
  });
}

}  // namespace

void add_delta(const ops::AddDeltaArgs& args, Stream) {
  if (args.down == nullptr) return add_full(args);
  const std::vector<float> down = as_floats(args.down, args.down_dtype, args.rank * args.width);
  parallel_for(args.rows, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> sums(static_cast<size_t>(args.width));
    for (int64_t row = begin; row < end; ++row) {
      product_row(args, row, down.data(), sums.data());
      float* const x = args.x + row * args.width;
      for (int64_t at = 0; at < args.width; ++at) {
        x[at] += args.factor * sums[static_cast<size_t>(at)];
      }
    }
  });
}

}  // namespace reel::cpu::reference
