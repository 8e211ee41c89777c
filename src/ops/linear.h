// SPDX-License-Identifier: Apache-2.0
// Matrix products with weights.
#pragma once

#include "core/tensor.h"
#include "ops/context.h"

namespace reel::ops {

// y = x W^T + bias, then the epilogue.
//
//   x       [..., weight.in]   f32 or bf16; rounded to the weight's precision where that is lower
//   weight  [out, in]          from pack_matrix: f32, bf16 or i8
//   bias    [out]              f32, or empty for none
//   gate    [out]              f32 for kGatedAdd, else empty
//   out     [..., weight.out]  f32 or bf16; f32 for kAdd and kGatedAdd, which read it
//
// Numerics: an i8 weight's products are rotated INT8, exact INT32 sums times both scales
// (core/numerics/int8_rotation.h); the others are summed in f32. Bias and epilogue are f32; one
// rounding at the store.
// Looks at the stop flag between chunks of rows. Throws kInvalidArgument when shapes disagree.
void linear(Context& ctx, const TensorView& x, const MatrixView& weight, const TensorView& bias,
            const TensorView& out, Epilogue epilogue = Epilogue::kStore,
            const TensorView& gate = {});

}  // namespace reel::ops
