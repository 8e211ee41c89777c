// SPDX-License-Identifier: Apache-2.0
// Reference 8-bit products: rotate, quantise, sum in INT32, scale.
#include <cmath>
#include <cstring>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/int8_layout.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/numerics/int8_rotation.h"

namespace reel::cpu::reference {
namespace {

struct QuantisedRow {
  std::vector<int8_t> numbers;
  float scale = 0;
};

QuantisedRow quantise_row(const ops::LinearArgs& args, int64_t row) {
  const int64_t width = args.weight.in;
  std::vector<float> x(static_cast<size_t>(width));
  for (int64_t at = 0; at < width; ++at) {
    x[static_cast<size_t>(at)] = load(args.x, args.x_dtype, row * width + at);
  }
  for (int64_t block = 0; block < width; block += numerics::kRotationBlock) {
    numerics::rotate_block(x.data() + block);
  }
  float amax = 0;
  for (const float value : x) amax = std::max(amax, std::fabs(value));
  QuantisedRow quantised{.numbers = {}, .scale = numerics::int8_scale(amax)};
  for (const float value : x) {
    quantised.numbers.push_back(numerics::quantise_int8(value, 1.0f / quantised.scale));
  }
  return quantised;
}

}  // namespace

void int8_linear(const ops::LinearArgs& args, Stream) {
  const int64_t width = args.weight.in;
  const int64_t columns = args.weight.out;
  const auto* numbers = static_cast<const int8_t*>(args.weight.data);
  const float* scales = row_scales(args.weight.data, width * columns);
  parallel_for(args.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const QuantisedRow x = quantise_row(args, row);
      for (int64_t column = 0; column < columns; ++column) {
        int32_t sum = 0;
        for (int64_t at = 0; at < width; ++at) {
          sum += int32_t{x.numbers[static_cast<size_t>(at)]} * numbers[column * width + at];
        }
        store_epilogue(args, row, column,
                       double{static_cast<float>(sum)} * x.scale * scales[column]);
      }
    }
  });
}

}  // namespace reel::cpu::reference
