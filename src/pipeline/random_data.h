// SPDX-License-Identifier: Apache-2.0
// Random tensors and weights where a run computes.
#pragma once

#include <cstdint>
#include <deque>

#include "core/buffer.h"
#include "nn/linear.h"
#include "ops/context.h"

namespace reel::pipeline {

// Owns what it makes. Numbers repeat after some millions: enough to draw the power that real ones
// draw, and quick to bring to a GPU.
class RandomData {
 public:
  explicit RandomData(ops::Context& ctx) : ctx_(ctx) {}

  // Uniform in [-amplitude, amplitude): f32, f16, bf16 or f8_e4m3; i8 is -127 to 127 at 1.
  TensorView tensor(DType dtype, const Shape& shape, float amplitude = 1);
  TensorView uninitialised(DType dtype, const Shape& shape);
  // A layer with a matrix as products take it: `matrices` is i8, f16, bf16 or f32.
  nn::Linear linear(DType matrices, int64_t out, int64_t in);
  // A convolution's, in the precision of the context.
  ConvView conv(const ConvShape& shape);

 private:
  MatrixView matrix(DType dtype, int64_t out, int64_t in);

  ops::Context& ctx_;
  std::deque<Tensor> tensors_;
  uint64_t seed_ = 1;
};

}  // namespace reel::pipeline
