// SPDX-License-Identifier: Apache-2.0
// Matrix products with weights.
#pragma once

#include "core/tensor.h"
#include "ops/operand.h"

namespace reel::ops {

// y = x W^T + bias, then the epilogue.
//
//   x       [..., weight.in]   f32, f16 or bf16, rounded to the weight's precision where that is
//                              lower; or rows of an i8 or f8_e4m3 weight's dtype, which are made
//                              here otherwise
//   weight  [out, in]          from pack_matrix: f32, f16, bf16, i8 or f8_e4m3
//   bias    [out]              f32, or empty for none
//   gate    [out]              f32 for kGatedAdd, else empty
//   out     [..., weight.out]  f32, f16 or bf16; f32 for kAdd and kGatedAdd, which read it (f16 too
//                              for kAdd)
//   sum_squares  [rows, weight.out / 128]  f32, or empty: of the stored numbers, a sum for each 128
//                              columns
//
// Numerics: an i8 weight's products are rotated INT8, exact INT32 sums times both scales
// (core/numerics/int8_rotation.h); an f8_e4m3 weight's are summed in f32, times both scales
// (core/numerics/e4m3_rows.h); the others are summed in f32. Bias and epilogue are f32; one
// rounding at the store.
// Looks at the stop flag between chunks of rows. Throws kInvalidArgument when shapes disagree.
void linear(Context& ctx, const Operand& x, const MatrixView& weight, const TensorView& bias,
            const TensorView& out, Epilogue epilogue = Epilogue::kStore,
            const TensorView& gate = {}, const TensorView& sum_squares = {});

}  // namespace reel::ops
