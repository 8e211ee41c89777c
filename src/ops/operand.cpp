// SPDX-License-Identifier: Apache-2.0
#include "ops/operand.h"

#include "core/numerics/int8_rotation.h"
#include "ops/check.h"

namespace reel::ops {

Operand make_operand(Context& ctx, Scratch& scratch, const Shape& shape, const MatrixView& weight) {
  if (weight.dtype != DType::kI8) return scratch.make(ctx.compute, shape);
  return {scratch.make(DType::kI8, shape), scratch.f32({shape.rows()})};
}

void quantise_rows(Context& ctx, const TensorView& x, const Operand& out) {
  REEL_REQUIRE(
      is_compute_dtype(x.dtype) && out.is_int8() && out.rows.rows() == x.rows() &&
          out.rows.width() == x.width() && x.width() % numerics::kRotationBlock == 0,
      kInvalidArgument,
      str_cat("quantise_rows: x is ", x.dtype, ' ', x.shape, ", out is ", out.rows.dtype, ' ',
              out.rows.shape, "; the width must be a multiple of ", numerics::kRotationBlock));
  require_vector("quantise_rows", "the scales", out.scales, x.rows());
  require_kernel("quantise_rows", ctx, ctx.kernels.quantise_rows);
  ctx.stop.check();
  ctx.kernels.quantise_rows({.x = x.data,
                             .dtype = x.dtype,
                             .out = out.rows.as<int8_t>(),
                             .scales = out.scales.as<float>(),
                             .rows = x.rows(),
                             .width = x.width()},
                            ctx.stream);
}

}  // namespace reel::ops
