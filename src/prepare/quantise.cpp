// SPDX-License-Identifier: Apache-2.0
#include "prepare/quantise.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "core/numerics/e4m3_rows.h"
#include "core/numerics/int8_rotation.h"
#include "core/numerics/small_floats.h"

namespace reel::prepare {

void quantise_rows(std::span<float> values, int64_t rows, std::span<int8_t> out,
                   std::span<float> scales) {
  const int64_t width = static_cast<int64_t>(values.size()) / rows;
  parallel_for(rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* const x = values.data() + row * width;
      float amax = 0;
      for (int64_t block = 0; block < width; block += numerics::kRotationBlock) {
        numerics::rotate_block(x + block);
      }
      for (int64_t at = 0; at < width; ++at) amax = numerics::larger_magnitude(amax, x[at]);
      const float scale = numerics::int8_scale(amax);
      const float inverse = 1.0f / scale;
      scales[static_cast<size_t>(row)] = scale;
      for (int64_t at = 0; at < width; ++at) {
        out[static_cast<size_t>(row * width + at)] = numerics::quantise_int8(x[at], inverse);
      }
    }
  });
}

void quantise_rows_e4m3(std::span<const float> values, int64_t rows, std::span<uint8_t> out,
                        std::span<float> scales, bool keep_scales) {
  const int64_t width = static_cast<int64_t>(values.size()) / rows;
  parallel_for(rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* const x = values.data() + row * width;
      float& scale = scales[static_cast<size_t>(row)];
      if (!keep_scales) {
        float amax = 0;
        for (int64_t at = 0; at < width; ++at) amax = numerics::larger_magnitude(amax, x[at]);
        scale = numerics::e4m3_scale(amax);
      }
      // A stored scale of zero makes a row of zeros.
      const float inverse = scale == 0 ? 0.0f : 1.0f / scale;
      for (int64_t at = 0; at < width; ++at) {
        out[static_cast<size_t>(row * width + at)] = numerics::quantise_e4m3(x[at], inverse);
      }
    }
  });
}

}  // namespace reel::prepare
