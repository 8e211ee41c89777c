// SPDX-License-Identifier: Apache-2.0
// The left side of products with weights.
#pragma once

#include "core/buffer.h"
#include "ops/context.h"

namespace reel::ops {

// Plain rows, or rows with a scale each: rotated INT8 (core/numerics/int8_rotation.h) or e4m3
// (core/numerics/e4m3_rows.h).
struct Operand {
  TensorView rows;    // [n, width] f32, f16, bf16, i8 or f8_e4m3
  TensorView scales;  // [n] f32 with the last two, else empty

  Operand() = default;
  Operand(const TensorView& plain) : rows(plain) {}     // NOLINT: plain rows are an operand
  Operand(const Tensor& plain) : rows(plain.view()) {}  // NOLINT
  Operand(const TensorView& numbers, const TensorView& row_scales)
      : rows(numbers), scales(row_scales) {}

  bool has_scales() const { return has_row_scales(rows.dtype); }
};

// Of the rows of an operand of products with `weight`: its own where that has row scales, else the
// compute precision.
DType operand_dtype(const Context& ctx, const MatrixView& weight);

// Room for an operand [n, width] of products with `weight`, in its operand_dtype().
Operand make_operand(Context& ctx, Scratch& scratch, const Shape& shape, const MatrixView& weight);

// Quantises the rows of `x` [n, width] f32, f16 or bf16; for INT8 it rotates them first. The width
// is a multiple of 128 for INT8, of 16 for e4m3.
void quantise_rows(Context& ctx, const TensorView& x, const Operand& out);

}  // namespace reel::ops
