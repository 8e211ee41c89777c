// SPDX-License-Identifier: Apache-2.0
#include "ops/attention.h"

#include <algorithm>

#include "ops/check.h"

namespace reel::ops {
namespace {

constexpr int64_t kQueryGrain = 64;

void check_arguments(const TensorView& q, const TensorView& k, const TensorView& v, int64_t heads,
                     const TensorView& out, const AttentionBias& bias) {
  REEL_REQUIRE(
      is_compute_dtype(q.dtype) && k.dtype == q.dtype && v.dtype == q.dtype && out.dtype == q.dtype,
      kInvalidArgument,
      str_cat("attention: q, k, v, out are ", q.dtype, ", ", k.dtype, ", ", v.dtype, ", ",
              out.dtype, "; all must be f32, all f16 or all bf16"));
  REEL_REQUIRE(heads > 0 && q.width() % heads == 0 && k.width() == q.width() &&
                   v.shape == k.shape && out.shape == q.shape && k.rows() > 0,
               kInvalidArgument,
               str_cat("attention: q is ", q.shape, ", k is ", k.shape, ", v is ", v.shape,
                       ", out is ", out.shape, " with ", heads, " heads"));
  if (bias.per_key.data != nullptr) {
    require_vector("attention", "the bias per key", bias.per_key, k.rows());
  }
  if (bias.relative.data != nullptr) {
    require_vector("attention", "the relative bias", bias.relative,
                   heads * (q.rows() + k.rows() - 1));
  }
}

}  // namespace

void attention(Context& ctx, const TensorView& q, const TensorView& k, const TensorView& v,
               int64_t heads, float scale, const TensorView& out, const AttentionBias& bias) {
  check_arguments(q, k, v, heads, out, bias);
  require_kernel("attention", ctx, ctx.kernels.attention);

  const int64_t queries = q.rows();
  const int64_t keys = k.rows();
  const int64_t width = q.width();
  const int64_t flops_per_query = std::max<int64_t>(1, 4 * keys * width);
  const int64_t chunk = std::max(kQueryGrain, ctx.kernels.most_flops_per_call / 2 /
                                                  flops_per_query / kQueryGrain * kQueryGrain);
  const int64_t row_bytes = storage_bytes(q.dtype, width);
  for (int64_t query = 0; query < queries; query += chunk) {
    ctx.stop.check();
    const int64_t count = std::min(chunk, queries - query);
    // The entry for (query, key) of the whole is at key - query + queries - 1.
    const float* relative = floats(bias.relative);
    if (relative != nullptr) relative += queries - query - count;
    ctx.kernels.attention({.q = q.as<std::byte>() + query * row_bytes,
                           .k = k.data,
                           .v = v.data,
                           .out = out.as<std::byte>() + query * row_bytes,
                           .dtype = q.dtype,
                           .queries = count,
                           .keys = keys,
                           .heads = heads,
                           .head_dim = width / heads,
                           .q_stride = width,
                           .k_stride = width,
                           .v_stride = width,
                           .out_stride = width,
                           .scale = scale,
                           .key_bias = floats(bias.per_key),
                           .relative_bias = relative,
                           .relative_stride = queries + keys - 1},
                          ctx.stream);
  }
}

void expand_bias(Context& ctx, const TensorView& table, const TensorView& buckets,
                 const TensorView& out) {
  REEL_REQUIRE(table.dtype == DType::kF32 && table.shape.axes() == 2 &&
                   buckets.dtype == DType::kI32 && out.dtype == DType::kF32 &&
                   out.shape == (Shape{table.width(), buckets.elements()}),
               kInvalidArgument,
               str_cat("expand_bias: table ", table.shape, ", buckets ", buckets.dtype, ' ',
                       buckets.shape, ", out ", out.shape));
  require_kernel("expand_bias", ctx, ctx.kernels.expand_bias);
  ctx.kernels.expand_bias({.table = floats(table),
                           .bucket = buckets.as<int32_t>(),
                           .out = out.as<float>(),
                           .count = buckets.elements(),
                           .heads = table.width()},
                          ctx.stream);
}

}  // namespace reel::ops
