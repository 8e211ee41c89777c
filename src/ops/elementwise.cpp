// SPDX-License-Identifier: Apache-2.0
#include "ops/elementwise.h"

#include "ops/check.h"

namespace reel::ops {

void gated_gelu(Context& ctx, const TensorView& gate, const TensorView& up, const TensorView& out) {
  REEL_REQUIRE(up.shape == gate.shape && out.shape == gate.shape && up.dtype == gate.dtype &&
                   out.dtype == gate.dtype && is_compute_dtype(gate.dtype),
               kInvalidArgument,
               str_cat("gated_gelu: gate is ", gate.dtype, ' ', gate.shape, ", up is ", up.dtype,
                       ' ', up.shape, ", out is ", out.dtype, ' ', out.shape));
  require_kernel("gated_gelu", ctx, ctx.kernels.gated_gelu);
  ctx.stop.check();
  ctx.kernels.gated_gelu({.gate = gate.data,
                          .up = up.data,
                          .out = out.data,
                          .dtype = gate.dtype,
                          .elements = gate.elements()},
                         ctx.stream);
}

void add(Context& ctx, const TensorView& a, const TensorView& b, const TensorView& out) {
  REEL_REQUIRE(b.shape == a.shape && out.shape == a.shape && b.dtype == a.dtype &&
                   out.dtype == a.dtype && is_compute_dtype(a.dtype),
               kInvalidArgument,
               str_cat("add: a is ", a.dtype, ' ', a.shape, ", b is ", b.dtype, ' ', b.shape,
                       ", out is ", out.dtype, ' ', out.shape));
  require_kernel("add", ctx, ctx.kernels.add);
  ctx.stop.check();
  ctx.kernels.add(
      {.a = a.data, .b = b.data, .out = out.data, .dtype = a.dtype, .elements = a.elements()},
      ctx.stream);
}

void cast(Context& ctx, const TensorView& x, const TensorView& out) {
  REEL_REQUIRE(
      x.elements() == out.elements() && is_compute_dtype(x.dtype) && is_compute_dtype(out.dtype),
      kInvalidArgument,
      str_cat("cast: x is ", x.dtype, ' ', x.shape, ", out is ", out.dtype, ' ', out.shape));
  require_kernel("cast", ctx, ctx.kernels.cast);
  ctx.stop.check();
  ctx.kernels.cast({.x = x.data,
                    .x_dtype = x.dtype,
                    .out = out.data,
                    .dtype = out.dtype,
                    .elements = x.elements()},
                   ctx.stream);
}

}  // namespace reel::ops
