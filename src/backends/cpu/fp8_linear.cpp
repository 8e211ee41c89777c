// SPDX-License-Identifier: Apache-2.0
// Reference FP8 products: e4m3 rows of both operands, summed, then scaled.
#include <algorithm>
#include <cmath>

#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/int8_layout.h"
#include "core/numerics/e4m3_rows.h"
#include "core/numerics/small_floats.h"

namespace reel::cpu::reference {

float quantise_row_e4m3(std::span<const float> row, uint8_t* out) {
  float amax = 0;
  for (const float value : row) amax = numerics::larger_magnitude(amax, value);
  const float scale = numerics::e4m3_scale(amax);
  for (const float value : row) *out++ = numerics::quantise_e4m3(value, 1.0f / scale);
  return scale;
}

void fp8_linear(const ops::LinearArgs& args) {
  const int64_t width = args.weight.in;
  const int64_t columns = args.weight.out;
  const auto* x = static_cast<const uint8_t*>(args.x);
  const auto* w = static_cast<const uint8_t*>(args.weight.data);
  const float* scales = row_scales(args.weight.data, width * columns);
  parallel_for(args.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        double sum = 0;
        for (int64_t at = 0; at < width; ++at) {
          sum += double{numerics::f8_e4m3_to_float(x[row * width + at])} *
                 numerics::f8_e4m3_to_float(w[column * width + at]);
        }
        store_epilogue(args, row, column, sum * args.x_scale[row] * scales[column]);
      }
    }
  });
}

}  // namespace reel::cpu::reference
