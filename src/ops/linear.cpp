// SPDX-License-Identifier: Apache-2.0
#include "ops/linear.h"

#include <algorithm>

#include "ops/check.h"

namespace reel::ops {
namespace {

// At the slowest CPU rate met (20 GFLOP/s) most_flops_per_call takes the 0.2 s between looks at the
// flag.
constexpr int64_t kRowGrain = 128;
constexpr int64_t kSumColumns = 128;

void check_arguments(const Operand& x, const MatrixView& weight, const TensorView& bias,
                     const TensorView& out, Epilogue epilogue, const TensorView& gate,
                     const TensorView& sum_squares) {
  const int64_t rows = x.rows.rows();
  REEL_REQUIRE(x.rows.width() == weight.in, kInvalidArgument,
               str_cat("linear: x is ", x.rows.shape, " but the weight is [", weight.out, ", ",
                       weight.in, "]"));
  REEL_REQUIRE(out.width() == weight.out && out.rows() == rows, kInvalidArgument,
               str_cat("linear: out is ", out.shape, ", must be [", rows, ", ", weight.out, "]"));
  REEL_REQUIRE((is_compute_dtype(x.rows.dtype) || x.has_scales()) && is_compute_dtype(out.dtype),
               kInvalidArgument,
               str_cat("linear: x is ", x.rows.dtype, " and out is ", out.dtype,
                       ", must be f32, f16 or bf16"));
  REEL_REQUIRE(!x.has_scales() || weight.dtype == x.rows.dtype, kInvalidArgument,
               str_cat("linear: x is ", x.rows.dtype, " but the weight is ", weight.dtype));
  if (x.has_scales()) require_vector("linear", "the scales of x", x.scales, rows);
  const bool may_add =
      out.dtype == DType::kF32 || (epilogue == Epilogue::kAdd && out.dtype == DType::kF16);
  const bool adds = epilogue == Epilogue::kAdd || epilogue == Epilogue::kGatedAdd;
  REEL_REQUIRE(!adds || may_add, kInvalidArgument,
               str_cat("linear: out is ", out.dtype, ", a sum needs f32"));
  if (bias.data != nullptr) require_vector("linear", "bias", bias, weight.out);
  if (epilogue == Epilogue::kGatedAdd) require_vector("linear", "gate", gate, weight.out);
  if (sum_squares.data != nullptr) {
    REEL_REQUIRE(
        weight.out % kSumColumns == 0, kInvalidArgument,
        str_cat("linear: sums of squares need a multiple of 128 columns, not ", weight.out));
    require_vector("linear", "the sums of squares", sum_squares, rows * weight.out / kSumColumns);
  }
}

}  // namespace

void linear(Context& ctx, const Operand& x, const MatrixView& weight, const TensorView& bias,
            const TensorView& out, Epilogue epilogue, const TensorView& gate,
            const TensorView& sum_squares) {
  check_arguments(x, weight, bias, out, epilogue, gate, sum_squares);
  require_kernel("linear", ctx, ctx.kernels.linear);
  if (has_row_scales(weight.dtype) && !x.has_scales()) {
    Scratch scratch{ctx};
    const Operand quantised = make_operand(ctx, scratch, x.rows.shape, weight);
    quantise_rows(ctx, x.rows, quantised);
    return linear(ctx, quantised, weight, bias, out, epilogue, gate, sum_squares);
  }

  const int64_t rows = x.rows.rows();
  const int64_t flops_per_row = std::max<int64_t>(1, 2 * weight.in * weight.out);
  const int64_t chunk =
      std::max(kRowGrain, ctx.kernels.most_flops_per_call / flops_per_row / kRowGrain * kRowGrain);
  const int64_t x_row_bytes = storage_bytes(x.rows.dtype, weight.in);
  const int64_t out_row_bytes = storage_bytes(out.dtype, weight.out);
  for (int64_t row = 0; row < rows; row += chunk) {
    ctx.stop.check();
    ctx.kernels.linear(
        {.x = x.rows.as<std::byte>() + row * x_row_bytes,
         .x_dtype = x.rows.dtype,
         .x_scale = x.has_scales() ? floats(x.scales) + row : nullptr,
         .weight = weight,
         .bias = floats(bias),
         .gate = floats(gate),
         .out = out.as<std::byte>() + row * out_row_bytes,
         .out_dtype = out.dtype,
         .rows = std::min(chunk, rows - row),
         .epilogue = epilogue,
         .sum_squares = sum_squares.data == nullptr
                            ? nullptr
                            : sum_squares.as<float>() + row * (weight.out / kSumColumns)},
        ctx.stream);
  }
}

}  // namespace reel::ops
