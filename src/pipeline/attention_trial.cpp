// SPDX-License-Identifier: Apache-2.0
#include "pipeline/attention_trial.h"

#include <cstddef>

#include "base/error.h"
#include "core/numerics/small_floats.h"
#include "ops/int8_attention.h"
#include "pipeline/relative_error.h"

namespace reel::pipeline {
namespace {

constexpr float kScale = 0.08838834764831845f;  // 1 / sqrt(128)
// Several tiles of keys and of queries, none of them full at the end.
constexpr int64_t kRows = 581, kHeads = 2;

}  // namespace

std::vector<float> download_floats(ops::Context& ctx, const TensorView& x) {
  std::vector<std::byte> bytes(static_cast<size_t>(x.size_bytes()));
  ctx.memory.download(bytes.data(), x.data, bytes.size(), ctx.stream);
  std::vector<float> values(static_cast<size_t>(x.elements()));
  const TensorView host{.data = bytes.data(), .dtype = x.dtype, .shape = x.shape};
  for (size_t at = 0; at < values.size(); ++at) {
    switch (x.dtype) {
      case DType::kF32: values[at] = host.as<float>()[at]; break;
      case DType::kF16: values[at] = numerics::f16_to_float(host.as<uint16_t>()[at]); break;
      case DType::kBF16: values[at] = numerics::bf16_to_float(host.as<uint16_t>()[at]); break;
      default: fail(ErrorCode::kInternal, str_cat("a result of ", x.dtype));
    }
  }
  return values;
}

TensorView attend_to_random_rows(ops::Context& ctx, RandomData& data, int64_t rows, int64_t heads) {
  const int64_t width = heads * ops::kInt8HeadDim;
  ops::Scratch scratch(ctx);
  const TensorView x = data.tensor(ctx.compute, {rows, width});
  const TensorView v = data.tensor(ctx.compute, {rows, width});
  const TensorView ones = data.tensor(DType::kF32, {rows, heads});
  const ops::QkNorm norm{.sum_squares = ones,
                         .weight = data.tensor(DType::kF32, {width}),
                         .eps = 1,  // keeps the root of random sums
                         .rope = data.tensor(DType::kF32, {rows, ops::kInt8HeadDim / 2, 2})};
  const ops::Int8Keys keys = ops::make_int8_keys(scratch, rows, heads, ctx.attention_values);
  const TensorView out = data.uninitialised(ctx.compute, x.shape);
  ops::quantise_keys(ctx, x, norm, keys);
  ops::prepare_values(ctx, v, keys);
  ops::int8_attention(ctx, x, norm, keys, kScale, out);
  return out;
}

double fp8_values_error(const ops::Context& ctx) {
  const auto result_with = [&](DType values) {
    ops::Context with = ctx;
    with.int8_attention = true;
    with.attention_values = values;
    RandomData data(with);
    return download_floats(with, attend_to_random_rows(with, data, kRows, kHeads));
  };
  return relative_error(result_with(DType::kF8E4M3), result_with(DType::kF16));
}

}  // namespace reel::pipeline
