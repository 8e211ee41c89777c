// SPDX-License-Identifier: Apache-2.0
#include "ops/norm.h"

#include <algorithm>

#include "ops/check.h"

namespace reel::ops {
namespace {

// A few hundred MB a call: far below 0.2 s of memory traffic.
int64_t rows_per_call(const Context& ctx, int64_t width) {
  constexpr int64_t kFlopsPerElement = 128;
  return std::max<int64_t>(
      1, ctx.kernels.most_flops_per_call / kFlopsPerElement / std::max<int64_t>(1, width));
}

void require_same_shape(const char* op, const TensorView& x, const TensorView& out) {
  REEL_REQUIRE(out.rows() == x.rows() && out.width() == x.width(), kInvalidArgument,
               str_cat(op, ": out is ", out.shape, " but x is ", x.shape));
  REEL_REQUIRE(
      is_compute_dtype(x.dtype) && is_compute_dtype(out.dtype), kInvalidArgument,
      str_cat(op, ": x is ", x.dtype, " and out is ", out.dtype, ", must be f32, f16 or bf16"));
}

void run_layer_norm(Context& ctx, const char* op, const TensorView& x, const TensorView& scale,
                    const TensorView& shift, float scale_offset, float eps, const Operand& out) {
  const TensorView& y = out.rows;
  REEL_REQUIRE(y.rows() == x.rows() && y.width() == x.width(), kInvalidArgument,
               str_cat(op, ": out is ", y.shape, " but x is ", x.shape));
  REEL_REQUIRE(x.dtype == DType::kF32 && (is_compute_dtype(y.dtype) || out.has_scales()),
               kInvalidArgument,
               str_cat(op, ": x is ", x.dtype, ", must be f32, and out is ", y.dtype));
  REEL_REQUIRE(!out.has_scales() || x.width() % scaled_row_step(y.dtype) == 0, kInvalidArgument,
               str_cat(op, ": rows of ", x.width(), " cannot be ", y.dtype,
                       ", which takes multiples of ", scaled_row_step(y.dtype)));
  require_vector(op, "scale", scale, x.width());
  require_vector(op, "shift", shift, x.width());
  if (out.has_scales()) require_vector(op, "the scales of out", out.scales, x.rows());
  require_kernel(op, ctx, ctx.kernels.layer_norm);
  const int64_t chunk = rows_per_call(ctx, x.width());
  for (int64_t row = 0; row < x.rows(); row += chunk) {
    ctx.stop.check();
    ctx.kernels.layer_norm({.x = floats(x) + row * x.width(),
                            .scale = floats(scale),
                            .shift = floats(shift),
                            .scale_offset = scale_offset,
                            .eps = eps,
                            .out = y.as<std::byte>() + row * storage_bytes(y.dtype, x.width()),
                            .dtype = y.dtype,
                            .out_scale = out.has_scales() ? out.scales.as<float>() + row : nullptr,
                            .rows = std::min(chunk, x.rows() - row),
                            .width = x.width()},
                           ctx.stream);
  }
}

void run_rms_norm(Context& ctx, const char* op, const TensorView& x, const TensorView& weight,
                  float eps, const TensorView& rope, int64_t head_dim, const TensorView& out) {
  require_same_shape(op, x, out);
  require_vector(op, "weight", weight, x.width());
  require_kernel(op, ctx, ctx.kernels.rms_norm);
  const int64_t chunk = rows_per_call(ctx, x.width());
  for (int64_t row = 0; row < x.rows(); row += chunk) {
    ctx.stop.check();
    ctx.kernels.rms_norm({.x = x.as<std::byte>() + row * storage_bytes(x.dtype, x.width()),
                          .x_dtype = x.dtype,
                          .weight = floats(weight),
                          .eps = eps,
                          .rope = rope.data == nullptr ? nullptr : floats(rope) + row * head_dim,
                          .head_dim = head_dim,
                          .out = out.as<std::byte>() + row * storage_bytes(out.dtype, x.width()),
                          .dtype = out.dtype,
                          .rows = std::min(chunk, x.rows() - row),
                          .width = x.width()},
                         ctx.stream);
  }
}

}  // namespace

void layer_norm_modulate(Context& ctx, const TensorView& x, const TensorView& scale,
                         const TensorView& shift, float eps, const Operand& out) {
  run_layer_norm(ctx, "layer_norm_modulate", x, scale, shift, 1.0f, eps, out);
}

void layer_norm(Context& ctx, const TensorView& x, const TensorView& weight, const TensorView& bias,
                float eps, const Operand& out) {
  run_layer_norm(ctx, "layer_norm", x, weight, bias, 0.0f, eps, out);
}

void rms_norm(Context& ctx, const TensorView& x, const TensorView& weight, float eps,
              const TensorView& out) {
  run_rms_norm(ctx, "rms_norm", x, weight, eps, {}, 0, out);
}

void rms_norm_rope(Context& ctx, const TensorView& x, const TensorView& weight, float eps,
                   const TensorView& rope, const TensorView& out) {
  REEL_REQUIRE(rope.dtype == DType::kF32 && rope.shape.axes() == 3 && rope.shape[2] == 2 &&
                   rope.shape[0] == x.rows() && rope.shape[1] > 0 &&
                   x.width() % (2 * rope.shape[1]) == 0,
               kInvalidArgument,
               str_cat("rms_norm_rope: rope is ", rope.dtype, ' ', rope.shape, " but x is ",
                       x.shape, "; f32 [rows, head_dim / 2, 2] is needed"));
  run_rms_norm(ctx, "rms_norm_rope", x, weight, eps, rope, 2 * rope.shape[1], out);
}

void l2_norm(Context& ctx, const TensorView& x, const TensorView& gamma, bool silu,
             const TensorView& out) {
  require_same_shape("l2_norm", x, out);
  REEL_REQUIRE(out.dtype == x.dtype || x.dtype == DType::kF32, kInvalidArgument,
               str_cat("l2_norm: x is ", x.dtype, " but out is ", out.dtype));
  require_vector("l2_norm", "gamma", gamma, x.width());
  require_kernel("l2_norm", ctx, ctx.kernels.l2_norm);
  const int64_t chunk = rows_per_call(ctx, x.width());
  const int64_t x_row_bytes = storage_bytes(x.dtype, x.width());
  const int64_t out_row_bytes = storage_bytes(out.dtype, x.width());
  for (int64_t row = 0; row < x.rows(); row += chunk) {
    ctx.stop.check();
    ctx.kernels.l2_norm({.x = x.as<std::byte>() + row * x_row_bytes,
                         .x_dtype = x.dtype,
                         .gamma = floats(gamma),
                         .silu = silu,
                         .out = out.as<std::byte>() + row * out_row_bytes,
                         .dtype = out.dtype,
                         .rows = std::min(chunk, x.rows() - row),
                         .width = x.width()},
                        ctx.stream);
  }
}

}  // namespace reel::ops
