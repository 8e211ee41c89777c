// SPDX-License-Identifier: Apache-2.0
#include "ops/operand.h"

#include "ops/check.h"

namespace reel::ops {

DType operand_dtype(const Context& ctx, const MatrixView& weight) {
  return has_row_scales(weight.dtype) ? weight.dtype : ctx.compute;
}

Operand make_operand(Context& ctx, Scratch& scratch, const Shape& shape, const MatrixView& weight) {
  const TensorView rows = scratch.make(operand_dtype(ctx, weight), shape);
  return {rows, has_row_scales(rows.dtype) ? scratch.f32({shape.rows()}) : TensorView{}};
}

void quantise_rows(Context& ctx, const TensorView& x, const Operand& out) {
  const int64_t step = scaled_row_step(out.rows.dtype);
  REEL_REQUIRE(is_compute_dtype(x.dtype) && out.has_scales() && out.rows.rows() == x.rows() &&
                   out.rows.width() == x.width() && x.width() % step == 0,
               kInvalidArgument,
               str_cat("quantise_rows: x is ", x.dtype, ' ', x.shape, ", out is ", out.rows.dtype,
                       ' ', out.rows.shape, "; the width must be a multiple of ", step));
  require_vector("quantise_rows", "the scales", out.scales, x.rows());
  require_kernel("quantise_rows", ctx, ctx.kernels.quantise_rows);
  ctx.stop.check();
  ctx.kernels.quantise_rows({.x = x.data,
                             .dtype = x.dtype,
                             .to_dtype = out.rows.dtype,
                             .out = out.rows.data,
                             .scales = out.scales.as<float>(),
                             .rows = x.rows(),
                             .width = x.width()},
                            ctx.stream);
}

}  // namespace reel::ops
