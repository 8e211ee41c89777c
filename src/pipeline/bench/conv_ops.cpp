// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/conv_ops.h"

#include <array>

#include "base/error.h"
#include "ops/conv.h"
#include "pipeline/random_data.h"

namespace reel::pipeline {
namespace {

constexpr int kConvRepeats = 5;

// A level of Wan's decoder: how far its frames are scaled down, and its channels.
struct Level {
  int64_t scale, channels;
};
constexpr std::array kLevels = {Level{8, 384}, Level{4, 384}, Level{2, 192}, Level{1, 96}};

}  // namespace

ConvTimes time_convs(Runtime& runtime, int64_t height_px, int64_t width_px, double limit_ops) {
  ops::Context ctx = runtime.context(runtime.vae_numbers());
  Timer timer(runtime);
  ConvTimes times;
  double work = 0;
  double seconds = 0;
  for (const Level& level : kLevels) {
    RandomData data{ctx};
    const ConvShape shape{.in_channels = level.channels,
                          .out_channels = level.channels,
                          .taps = 3,
                          .kernel_rows = 3,
                          .kernel_cols = 3};
    const Shape frame{height_px / level.scale, width_px / level.scale, level.channels};
    const std::array frames = {data.tensor(ctx.compute, frame), data.tensor(ctx.compute, frame),
                               data.tensor(ctx.compute, frame)};
    const std::array out = {data.uninitialised(ctx.compute, frame)};
    const ConvView weight = data.conv(shape);
    const TensorView bias = data.tensor(DType::kF32, {level.channels});
    BenchOp op{.op = "convolution 3x3x3",
               .shape = str_cat(frame[0], " x ", frame[1], ", ", level.channels, " channels"),
               .work = 2.0 * 27 * static_cast<double>(frame.elements() * level.channels),
               .unit = "op"};
    if (limit_ops > 0) op.bound_s = op.work / limit_ops;
    op.seconds = timer.median_seconds(
        ctx, kConvRepeats, [&](ops::Context& with) { ops::conv(with, frames, weight, bias, out); });
    work += op.work;
    seconds += op.seconds;
    times.ops.push_back(std::move(op));
  }
  times.sustained_ops = work / seconds;
  return times;
}

}  // namespace reel::pipeline
