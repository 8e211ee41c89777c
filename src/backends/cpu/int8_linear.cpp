// SPDX-License-Identifier: Apache-2.0
// Reference 8-bit products: rotate, quantise, sum in INT32, scale.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/int8_layout.h"
#include "core/numerics/int8_rotation.h"
#include "core/numerics/small_floats.h"

namespace reel::cpu::reference {

// Rotates `row` in place and quantises it; returns its scale.
float quantise_row(std::span<float> row, int8_t* out) {
  const auto width = static_cast<int64_t>(row.size());
  for (int64_t block = 0; block < width; block += numerics::kRotationBlock) {
    numerics::rotate_block(row.data() + block);
  }
  float amax = 0;
  for (const float value : row) amax = numerics::larger_magnitude(amax, value);
  const float scale = numerics::int8_scale(amax);
  for (const float value : row) *out++ = numerics::quantise_int8(value, 1.0f / scale);
  return scale;
}

void quantise_rows(const ops::QuantiseRowsArgs& args, Stream) {
  parallel_for(args.rows, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> x(static_cast<size_t>(args.width));
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t at = 0; at < args.width; ++at) {
        x[static_cast<size_t>(at)] = load(args.x, args.dtype, row * args.width + at);
      }
      const int64_t start = row * args.width;
      args.scales[row] = args.to_dtype == DType::kF8E4M3
                             ? quantise_row_e4m3(x, static_cast<uint8_t*>(args.out) + start)
                             : quantise_row(x, static_cast<int8_t*>(args.out) + start);
    }
  });
}

void int8_linear(const ops::LinearArgs& args, Stream) {
  const int64_t width = args.weight.in;
  const int64_t columns = args.weight.out;
  const auto* x = static_cast<const int8_t*>(args.x);
  const auto* w = static_cast<const int8_t*>(args.weight.data);
  const float* scales = row_scales(args.weight.data, width * columns);
  parallel_for(args.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        int32_t sum = 0;
        for (int64_t at = 0; at < width; ++at) {
          sum += int32_t{x[row * width + at]} * w[column * width + at];
        }
        store_epilogue(args, row, column,
                       double{static_cast<float>(sum)} * args.x_scale[row] * scales[column]);
      }
    }
  });
}

}  // namespace reel::cpu::reference
