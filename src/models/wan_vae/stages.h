// SPDX-License-Identifier: Apache-2.0
// The decoder in two parts. The low stages (middle and first level) take whole frames, since
// attention looks at all of one; the high stages take whole frames or strips of them.
#pragma once

#include <array>
#include <functional>

#include "models/wan_vae/strips.h"
#include "models/wan_vae/weights.h"
#include "nn/frame_ring.h"
#include "ops/context.h"

namespace reel::wan_vae {

using ops::Frame;

// A residual block's past, one ring for each of its convolutions.
struct ResidualState {
  nn::FrameRing conv1, conv2;
};

// Latent frames of one clip in order, each to level 0's output.
class LowStages {
 public:
  LowStages(ops::Context& ctx, const DecoderWeights& weights);

  //   z    [latent_rows, latent_cols, 16] f32, denormalised
  //   out  [latent_rows, latent_cols, channels[0]] ctx.residual()
  void decode(const Frame& z, const Frame& out);

 private:
  void attention(const Frame& x);

  ops::Context& ctx_;
  const DecoderWeights& w_;
  nn::FramePool pool_;
  nn::FrameRing first_;
  ResidualState middle0_, middle2_;
  std::array<ResidualState, kResidualsPerLevel> level0_;
};

// One strip of all frames of a clip, from level 0's output to the picture, depth first: a frame is
// finished before the next one is begun.
class HighStages {
 public:
  // Takes the strip's rows of a picture [strip.picture.count(), width_px, 3] f32, in ctx.memory.
  using RowsSink = std::function<void(const Frame& rows)>;

  HighStages(ops::Context& ctx, const DecoderWeights& weights, const Strip& strip, RowsSink on_rows)
      : ctx_(ctx),
        w_(weights),
        strip_(strip),
        on_rows_(std::move(on_rows)),
        pool_(ctx.memory, ctx.compute) {}

  // `x`: rows levels[0].held of what LowStages made of the next latent frame. Calls on_rows once
  // for the clip's first, four times for each later one.
  void decode(const Frame& x) { go_up(0, x); }

 private:
  const LevelRows& rows_of(int level) const { return strip_.levels[static_cast<size_t>(level)]; }

  void level(int index, const Frame& x);
  void go_up(int index, const Frame& x);
  void double_frames(int index, const Frame& x);
  void grow(int index, const Frame& from);
  void grow_part(const Frame& x, const ConvWeights& w, const GrowPart& rows, const Frame& out);
  void finish(const Frame& x);

  ops::Context& ctx_;
  const DecoderWeights& w_;
  const Strip strip_;
  const RowsSink on_rows_;
  nn::FramePool pool_;
  std::array<std::array<ResidualState, kResidualsPerLevel>, kLevels> residuals_;  // not of level 0
  std::array<nn::FrameRing, kLevels - 1> time_convs_;
  nn::FrameRing head_;
  // The clip's first frame is not doubled in time, and is not part of any time convolution's past.
  std::array<bool, kLevels - 1> past_first_frame_{};
};

}  // namespace reel::wan_vae
