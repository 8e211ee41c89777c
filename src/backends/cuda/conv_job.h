// SPDX-License-Identifier: Apache-2.0
// A convolution as its kernels see it: without the taps before the first frame that is there, sizes
// as 32-bit numbers.
#pragma once

#include "ops/kernels.h"

namespace reel::cuda {

struct ConvJob {
  const void* frames[ops::ConvArgs::kMostTaps];  // [taps]; the first is not null
  int first_tap, taps;
  const void* weight;
  const float* bias;
  const void* residual;
  void* out;
  int rows, cols, row_begin, row_end;
  int in_channels, out_channels;
  int kernel_rows, kernel_cols;
  bool relu;
};

ConvJob conv_job(const ops::ConvArgs& args);

// How a launch of the kernels of 16-bit operands differs from others of the same tile.
struct ConvVariant {
  int weight_taps, out_tiles;
  bool wide;           // pixels of the frames are whole chunks at multiples of 16 bytes
  bool whole, is_f32;  // of the output: quads of channels are whole and aligned; its type is f32
};

// f32 operands: conv_exact.cu.
void conv_exact(const ConvJob& job, DType out_dtype, Stream stream);
void pack_conv_exact(const ops::PackConvArgs& args, Stream stream);

}  // namespace reel::cuda
