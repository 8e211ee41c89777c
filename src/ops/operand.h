// SPDX-License-Identifier: Apache-2.0
// The left side of products with weights.
#pragma once

#include "core/buffer.h"
#include "ops/context.h"

namespace reel::ops {

// Plain rows, or rotated INT8 rows with a scale each (core/numerics/int8_rotation.h).
struct Operand {
  TensorView rows;    // [n, width] f32, f16, bf16 or i8
  TensorView scales;  // [n] f32 with i8, else empty

  Operand() = default;
  Operand(const TensorView& plain) : rows(plain) {}     // NOLINT: plain rows are an operand
  Operand(const Tensor& plain) : rows(plain.view()) {}  // NOLINT
  Operand(const TensorView& numbers, const TensorView& row_scales)
      : rows(numbers), scales(row_scales) {}

  bool is_int8() const { return rows.dtype == DType::kI8; }
};

// Room for an operand [n, width] of products with `weight`: INT8 for an INT8 weight, else in the
// compute precision.
Operand make_operand(Context& ctx, Scratch& scratch, const Shape& shape, const MatrixView& weight);

// Rotates and quantises the rows of `x` [n, width] f32, f16 or bf16. The width is a multiple of
// 128.
void quantise_rows(Context& ctx, const TensorView& x, const Operand& out);

}  // namespace reel::ops
