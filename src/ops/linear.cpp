// SPDX-License-Identifier: Apache-2.0
#include "ops/linear.h"

#include <algorithm>

#include "ops/check.h"

namespace reel::ops {
namespace {

// At the slowest rate met (20 GFLOP/s) a chunk stays below the 0.2 s between looks at the flag.
constexpr int64_t kMostFlopsPerCall = int64_t{4} << 30;
constexpr int64_t kRowGrain = 128;

}  // namespace

void linear(Context& ctx, const TensorView& x, const MatrixView& weight, const TensorView& bias,
            const TensorView& out, Epilogue epilogue, const TensorView& gate) {
  const int64_t rows = x.rows();
  REEL_REQUIRE(
      x.width() == weight.in, kInvalidArgument,
      str_cat("linear: x is ", x.shape, " but the weight is [", weight.out, ", ", weight.in, "]"));
  REEL_REQUIRE(out.width() == weight.out && out.rows() == rows, kInvalidArgument,
               str_cat("linear: out is ", out.shape, ", must be [", rows, ", ", weight.out, "]"));
  REEL_REQUIRE(
      is_compute_dtype(x.dtype) && is_compute_dtype(out.dtype), kInvalidArgument,
      str_cat("linear: x is ", x.dtype, " and out is ", out.dtype, ", must be f32 or bf16"));
  const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
  REEL_REQUIRE(!adds || out.dtype == DType::kF32, kInvalidArgument,
               str_cat("linear: out is ", out.dtype, ", a sum needs f32"));
  if (bias.data != nullptr) require_vector("linear", "bias", bias, weight.out);
  if (epilogue == Epilogue::kGatedAdd) require_vector("linear", "gate", gate, weight.out);
  require_kernel("linear", ctx, ctx.kernels.linear);

  const int64_t flops_per_row = std::max<int64_t>(1, 2 * weight.in * weight.out);
  const int64_t chunk =
      std::max(kRowGrain, kMostFlopsPerCall / flops_per_row / kRowGrain * kRowGrain);
  const int64_t x_row_bytes = storage_bytes(x.dtype, weight.in);
  const int64_t out_row_bytes = storage_bytes(out.dtype, weight.out);
  for (int64_t row = 0; row < rows; row += chunk) {
    ctx.stop.check();
    ctx.kernels.linear({.x = x.as<std::byte>() + row * x_row_bytes,
                        .x_dtype = x.dtype,
                        .weight = weight,
                        .bias = floats(bias),
                        .gate = floats(gate),
                        .out = out.as<std::byte>() + row * out_row_bytes,
                        .out_dtype = out.dtype,
                        .rows = std::min(chunk, rows - row),
                        .epilogue = epilogue},
                       ctx.stream);
  }
}

}  // namespace reel::ops
