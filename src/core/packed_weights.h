// SPDX-License-Identifier: Apache-2.0
// Weights in the order a backend computes with. Only the backend that packed them can read them.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace reel {

// A matrix [out, in], made by the kernel table's pack_matrix.
struct MatrixView {
  const void* data = nullptr;
  // kF32, kBF16, or kI8: rotated rows with a scale each, for products that rotate and quantise
  // their other operand too (core/numerics/int8_rotation.h).
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

// A convolution weight [out, in, taps, kernel_rows, kernel_cols], made by pack_conv.
struct ConvView {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  ConvShape shape;
};

}  // namespace reel
