// SPDX-License-Identifier: Apache-2.0
// How a convolution on the matrix unit is cut: its packed weights, its copies of pixels, its
// blocks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/amx_tiles.h"
#include "ops/kernels.h"

namespace reel::cpu::amx {

// Kernel positions of a part of the channels that stay in the first-level cache together.
inline constexpr int64_t kInnerSteps = 9;

struct Geometry {
  ConvShape shape;
  int64_t half_rows, half_cols;
  int64_t channel_steps;  // of a pixel
  int64_t part;           // channel steps of what stays in the cache
  int64_t tap_steps;

  explicit Geometry(const ConvShape& conv)
      : shape(conv),
        half_rows(conv.kernel_rows / 2),
        half_cols(conv.kernel_cols / 2),
        channel_steps(ceil_div(storage_bytes(DType::kBF16, conv.in_channels), kLineBytes)),
        part(std::min(channel_steps, kInnerSteps / conv.kernel_cols)),
        tap_steps(conv.kernel_rows * conv.kernel_cols * channel_steps) {}

  int64_t pixel_bytes() const { return channel_steps * kLineBytes; }
  int64_t strips() const { return ceil_div(shape.out_channels, kBlock); }
  int64_t strip_bytes() const { return shape.taps * tap_steps * kPairBytes; }
  int64_t padded(int64_t cols) const { return cols + 2 * half_cols; }
  // Of 32 neighbours each, over all rows with their borders.
  int64_t groups(int64_t rows, int64_t cols) const {
    return ceil_div(rows * padded(cols) - 2 * half_cols, kBlock);
  }

  // Calls visit(kernel row, first channel step, channel steps) in the order of the packed weights;
  // within, kernel columns come before channel steps.
  template <typename Visit>
  void for_each_part(Visit visit) const {
    for (int64_t row = 0; row < shape.kernel_rows; ++row) {
      for (int64_t step = 0; step < channel_steps; step += part) {
        visit(row, step, std::min(part, channel_steps - step));
      }
    }
  }
};

struct Block {
  int64_t row_begin, row_end;
  int64_t strip_begin, strip_end;
};

}  // namespace reel::cpu::amx
