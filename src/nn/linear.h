// SPDX-License-Identifier: Apache-2.0
// y = x W^T + b as a layer.
#pragma once

#include "ops/linear.h"

namespace reel::nn {

struct Linear {
  MatrixView weight;  // [out, in]
  TensorView bias;    // [out] f32, or empty
};

inline void linear(ops::Context& ctx, const Linear& w, const ops::Operand& x, const TensorView& out,
                   ops::Epilogue epilogue = ops::Epilogue::kStore, const TensorView& gate = {},
                   const TensorView& sum_squares = {}) {
  ops::linear(ctx, x, w.weight, w.bias, out, epilogue, gate, sum_squares);
}

}  // namespace reel::nn
