// SPDX-License-Identifier: Apache-2.0
// Weights in the order a backend computes with. Only the backend that packed them can read them.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/numerics/int8_rotation.h"

namespace reel {

// Whether rows of such numbers come with a scale each, as operands of products.
constexpr bool has_row_scales(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kF8E4M3;
}
// The width of such rows is a multiple of this: of what is rotated at once, or of what tensor cores
// read.
constexpr int64_t scaled_row_step(DType dtype) {
  return dtype == DType::kI8 ? numerics::kRotationBlock : 16;
}

// A matrix [out, in], made by the kernel table's pack_matrix.
struct MatrixView {
  const void* data = nullptr;
  // kF32, kF16, kBF16; or rows with a scale each, for products that quantise their other operand
  // too: kI8, rotated (core/numerics/int8_rotation.h), or kF8E4M3 (core/numerics/e4m3_rows.h).
  DType dtype = DType::kF32;
  int64_t out = 0;
  int64_t in = 0;
};

// The geometry of a stride-1 convolution over channels-last frames with zero padding that keeps
// rows and columns. Past frames are inputs: nothing is padded in time.
struct ConvShape {
  int64_t in_channels = 0, out_channels = 0;
  int64_t taps = 1;         // kernel extent in time, 1 to 3
  int64_t kernel_rows = 1;  // 1 or 3
  int64_t kernel_cols = 1;
};

// How the numbers of a convolution weight lie before they are packed; the kernel rows and columns
// of one (out, in, tap) are neighbours.
struct ConvOrder {
  int64_t out_stride = 0, in_stride = 0, tap_stride = 0;
  int64_t first = 0;  // of output 0, input 0, tap 0

  constexpr int64_t at(int64_t out, int64_t in, int64_t tap) const {
    return first + out * out_stride + in * in_stride + tap * tap_stride;
  }
};

// [out, in, taps, kernel_rows, kernel_cols]; or, `newest_first`, [out, taps, in, kernel_rows,
// kernel_cols] with the last tap first, which is a 2-D weight over the channels of the newest frame
// followed by those of the frames before it.
constexpr ConvOrder conv_order(const ConvShape& shape, bool newest_first) {
  const int64_t window = shape.kernel_rows * shape.kernel_cols;
  const int64_t frame = shape.in_channels * window;
  if (newest_first) return {shape.taps * frame, window, -frame, (shape.taps - 1) * frame};
  return {shape.taps * frame, shape.taps * window, window, 0};
}

// A convolution weight [out, in, taps, kernel_rows, kernel_cols], made by pack_conv.
struct ConvView {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  ConvShape shape;
};

}  // namespace reel
