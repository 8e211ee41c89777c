// SPDX-License-Identifier: Apache-2.0
#include "ops/int8_attention.h"

#include <algorithm>

#include "ops/check.h"

namespace reel::ops {
namespace {

int64_t heads_of(const Int8Keys& keys) { return keys.k.shape[0]; }

// One of both is null.
uint16_t* f16_values(const Int8Keys& keys) {
  return keys.v.dtype == DType::kF16 ? keys.v.as<uint16_t>() : nullptr;
}
uint8_t* e4m3_values(const Int8Keys& keys) {
  return keys.v.dtype == DType::kF8E4M3 ? keys.v.as<uint8_t>() : nullptr;
}

void check_projection(const char* op, const TensorView& x, int64_t heads) {
  REEL_REQUIRE(
      is_compute_dtype(x.dtype) && x.rows() > 0 && x.width() == heads * kInt8HeadDim,
      kInvalidArgument,
      str_cat(op, ": x is ", x.dtype, ' ', x.shape, " for ", heads, " heads of ", kInt8HeadDim));
}

HeadNorm head_norm(const char* op, const TensorView& x, const QkNorm& norm) {
  const int64_t sums_per_row =
      std::max(norm.sum_squares.elements() / x.rows(), x.width() / kInt8HeadDim);
  require_vector(op, "the sums of squares", norm.sum_squares, x.rows() * sums_per_row);
  require_vector(op, "the weight", norm.weight, x.width());
  if (norm.rope.data != nullptr) {
    require_vector(op, "the rotation", norm.rope, x.rows() * kInt8HeadDim);
  }
  return {.sum_squares = floats(norm.sum_squares),
          .weight = floats(norm.weight),
          .eps = norm.eps,
          .rope = floats(norm.rope),
          .sums_per_row = sums_per_row};
}

// The part of a norm that belongs to rows from `row` on.
HeadNorm rows_from(HeadNorm norm, int64_t row) {
  norm.sum_squares += row * norm.sums_per_row;
  if (norm.rope != nullptr) norm.rope += row * kInt8HeadDim;
  return norm;
}

}  // namespace

Int8Keys make_int8_keys(Scratch& scratch, int64_t rows, int64_t heads, DType values) {
  REEL_REQUIRE(values == DType::kF16 || values == DType::kF8E4M3, kInvalidArgument,
               str_cat("make_int8_keys: values are ", values, "; f16 and e4m3 are possible"));
  const int64_t padded = int8_padded(rows);
  return {.k = scratch.make(DType::kI8, {heads, padded, kInt8HeadDim}),
          .k_scales = scratch.f32({heads, padded / kInt8KeyTile, kInt8KeyScales}),
          .v = scratch.make(values, {heads, padded, kInt8HeadDim}),
          .v_mean = scratch.f32({heads, kInt8HeadDim}),
          .v_scales = values == DType::kF16 ? TensorView{} : scratch.f32({heads, kInt8HeadDim}),
          .rows = rows};
}

void quantise_keys(Context& ctx, const TensorView& x, const QkNorm& norm, const Int8Keys& keys) {
  check_projection("quantise_keys", x, heads_of(keys));
  REEL_REQUIRE(x.rows() == keys.rows, kInvalidArgument,
               str_cat("quantise_keys: x is ", x.shape, " for ", keys.rows, " keys"));
  require_kernel("quantise_keys", ctx, ctx.kernels.quantise_keys);
  ctx.stop.check();
  Scratch scratch{ctx};
  ctx.kernels.quantise_keys({.x = x.data,
                             .dtype = x.dtype,
                             .norm = head_norm("quantise_keys", x, norm),
                             .numbers = keys.k.as<int8_t>(),
                             .scales = keys.k_scales.as<float>(),
                             .mean = scratch.f32(keys.v_mean.shape).as<float>(),
                             .rows = keys.rows,
                             .heads = heads_of(keys)},
                            ctx.stream);
}

void prepare_values(Context& ctx, const TensorView& x, const Int8Keys& keys) {
  check_projection("prepare_values", x, heads_of(keys));
  REEL_REQUIRE(x.rows() == keys.rows, kInvalidArgument,
               str_cat("prepare_values: x is ", x.shape, " for ", keys.rows, " keys"));
  require_kernel("prepare_values", ctx, ctx.kernels.prepare_values);
  ctx.stop.check();
  ctx.kernels.prepare_values({.x = x.data,
                              .dtype = x.dtype,
                              .numbers = f16_values(keys),
                              .mean = keys.v_mean.as<float>(),
                              .rows = keys.rows,
                              .heads = heads_of(keys),
                              .e4m3 = e4m3_values(keys),
                              .scales = keys.v_scales.as<float>()},
                             ctx.stream);
}

void int8_attention(Context& ctx, const TensorView& q, const QkNorm& norm, const Int8Keys& keys,
                    float scale, const TensorView& out) {
  const int64_t heads = heads_of(keys);
  check_projection("int8_attention", q, heads);
  REEL_REQUIRE(out.shape == q.shape && is_compute_dtype(out.dtype), kInvalidArgument,
               str_cat("int8_attention: q is ", q.shape, ", out is ", out.dtype, ' ', out.shape));
  const HeadNorm whole = head_norm("int8_attention", q, norm);
  require_kernel("int8_attention", ctx, ctx.kernels.quantise_queries);
  require_kernel("int8_attention", ctx, ctx.kernels.int8_attention);

  const int64_t flops_per_query = 4 * keys.rows * q.width();
  const int64_t chunk = std::max(kInt8RowTile, ctx.kernels.most_flops_per_call / flops_per_query /
                                                   kInt8RowTile * kInt8RowTile);
  Scratch scratch{ctx};
  const int64_t most = int8_padded(std::min(chunk, q.rows()));
  const TensorView numbers = scratch.make(DType::kI8, {heads, most, kInt8HeadDim});
  const TensorView scales = scratch.f32({heads, most});
  for (int64_t row = 0; row < q.rows(); row += chunk) {
    ctx.stop.check();
    const int64_t count = std::min(chunk, q.rows() - row);
    ctx.kernels.quantise_queries({.x = q.as<std::byte>() + row * storage_bytes(q.dtype, q.width()),
                                  .dtype = q.dtype,
                                  .norm = rows_from(whole, row),
                                  .numbers = numbers.as<int8_t>(),
                                  .scales = scales.as<float>(),
                                  .rows = count,
                                  .heads = heads},
                                 ctx.stream);
    ctx.kernels.int8_attention(
        {.q = numbers.as<int8_t>(),
         .q_scales = floats(scales),
         .k = keys.k.as<int8_t>(),
         .k_scales = floats(keys.k_scales),
         .v = f16_values(keys),
         .v_mean = floats(keys.v_mean),
         .out = out.as<std::byte>() + row * storage_bytes(out.dtype, q.width()),
         .dtype = out.dtype,
         .queries = count,
         .keys = keys.rows,
         .heads = heads,
         .scale = scale,
         .v_e4m3 = e4m3_values(keys),
         .v_scales = floats(keys.v_scales)},
        ctx.stream);
  }
}

}  // namespace reel::ops
