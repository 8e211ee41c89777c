// SPDX-License-Identifier: Apache-2.0
#include "ops/conv.h"

#include <algorithm>

#include "ops/check.h"

namespace reel::ops {
namespace {

// Present frames are `dtype` [rows and cols of `like`, channels].
void check_frames(std::span<const Frame> frames, DType dtype, const Frame& like, int64_t channels,
                  const char* name) {
  for (const Frame& frame : frames) {
    REEL_REQUIRE(
        frame.data == nullptr || (frame.dtype == dtype &&
                                  frame.shape == (Shape{like.shape[0], like.shape[1], channels})),
        kInvalidArgument,
        str_cat("conv: a frame of ", name, " is ", frame.dtype, ' ', frame.shape, ", must be ",
                dtype, " [", like.shape[0], ", ", like.shape[1], ", ", channels, "]"));
  }
}

void check_conv(std::span<const Frame> frames, const ConvView& weight, const TensorView& bias,
                std::span<const Frame> out, std::span<const Frame> residual) {
  const ConvShape& shape = weight.shape;
  REEL_REQUIRE(frames.size() == out.size() + static_cast<size_t>(shape.taps - 1), kInvalidArgument,
               str_cat("conv: ", frames.size(), " frames in and ", out.size(), " out with ",
                       shape.taps, " taps in time"));
  REEL_REQUIRE(shape.taps >= 1 && shape.taps <= ConvArgs::kMostTaps, kInvalidArgument,
               str_cat("conv: ", shape.taps, " taps in time, at most ", ConvArgs::kMostTaps));
  REEL_REQUIRE(out[0].shape.axes() == 3 && is_compute_dtype(out[0].dtype), kInvalidArgument,
               str_cat("conv: out is ", out[0].dtype, ' ', out[0].shape));
  REEL_REQUIRE(residual.empty() || residual.size() == out.size(), kInvalidArgument,
               str_cat("conv: ", residual.size(), " residual frames for ", out.size()));
  const DType out_dtype = out[0].dtype;
  REEL_REQUIRE(out_dtype == weight.dtype || out_dtype == DType::kF32, kInvalidArgument,
               str_cat("conv: out is ", out_dtype, " but the weight is ", weight.dtype));
  check_frames(frames, weight.dtype, out[0], shape.in_channels, "x");
  check_frames(out, out_dtype, out[0], shape.out_channels, "out");
  check_frames(residual, out_dtype, out[0], shape.out_channels, "residual");
  if (bias.data != nullptr) require_vector("conv", "bias", bias, shape.out_channels);
}

}  // namespace

void conv(Context& ctx, std::span<const Frame> frames, const ConvView& weight,
          const TensorView& bias, std::span<const Frame> out, std::span<const Frame> residual,
          std::optional<Rows> rows, ConvEpilogue epilogue) {
  if (out.empty()) return;
  check_conv(frames, weight, bias, out, residual);
  require_kernel("conv", ctx, ctx.kernels.conv);

  const Rows computed = rows.value_or(Rows{0, out[0].shape[0]});
  REEL_REQUIRE(
      0 <= computed.begin && computed.begin <= computed.end && computed.end <= out[0].shape[0],
      kInvalidArgument,
      str_cat("conv: rows ", computed.begin, " to ", computed.end, " of ", out[0].shape));
  const ConvShape& shape = weight.shape;
  const int64_t cols = out[0].shape[1];
  const int64_t flops_per_row = 2 * cols * shape.in_channels * shape.out_channels * shape.taps *
                                shape.kernel_rows * shape.kernel_cols;
  const int64_t strip =
      std::max<int64_t>(8, ctx.kernels.most_flops_per_call / std::max<int64_t>(1, flops_per_row));
  for (size_t at = 0; at < out.size(); ++at) {
    ConvArgs args{.frames = {},
                  .out = out[at].data,
                  .residual = residual.empty() ? nullptr : residual[at].data,
                  .weight = weight,
                  .bias = floats(bias),
                  .dtype = weight.dtype,
                  .out_dtype = out[0].dtype,
                  .rows = out[0].shape[0],
                  .cols = cols,
                  .row_begin = 0,
                  .row_end = 0,
                  .relu = epilogue == ConvEpilogue::kRelu};
    for (size_t tap = 0; tap < static_cast<size_t>(shape.taps); ++tap) {
      args.frames[tap] = frames[at + tap].data;
    }
    for (int64_t row = computed.begin; row < computed.end; row += strip) {
      ctx.stop.check();
      args.row_begin = row;
      args.row_end = std::min(computed.end, row + strip);
      ctx.kernels.conv(args, ctx.stream);
    }
  }
}

void upsample2x(Context& ctx, const Frame& x, const Frame& out) {
  REEL_REQUIRE(x.shape.axes() == 3 && out.dtype == x.dtype && is_compute_dtype(x.dtype) &&
                   out.shape == (Shape{2 * x.shape[0], 2 * x.shape[1], x.shape[2]}),
               kInvalidArgument,
               str_cat("upsample2x: x is ", x.dtype, ' ', x.shape, " and out is ", out.dtype, ' ',
                       out.shape));
  require_kernel("upsample2x", ctx, ctx.kernels.upsample2x);
  ctx.stop.check();
  ctx.kernels.upsample2x({.x = x.data,
                          .out = out.data,
                          .dtype = x.dtype,
                          .rows = x.shape[0],
                          .cols = x.shape[1],
                          .channels = x.shape[2]},
                         ctx.stream);
}

}  // namespace reel::ops
