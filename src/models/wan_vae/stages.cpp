// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/stages.h"

#include <cmath>

#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/norm.h"

namespace reel::wan_vae {
namespace {

using nn::FramePool;
using nn::FrameRing;
using ops::Scratch;

// What passes from block to block.
Frame between_blocks(ops::Context& ctx, Scratch& scratch, const Shape& shape) {
  return scratch.make(ctx.residual(), shape);
}

Shape with_channels(const Frame& frame, int64_t channels) {
  return {frame.shape[0], frame.shape[1], channels};
}

TensorView as_rows(const Frame& frame) {
  return frame.reshaped({frame.shape[0] * frame.shape[1], frame.shape[2]});
}

Frame part(const Frame& frame, const Rows& rows) { return frame.slice(rows.begin, rows.count()); }

// The surroundings of a convolution over time.
struct Work {
  ops::Context& ctx;
  FramePool& pool;

  // Rows of out = conv over the ring's last three frames (+ residual).
  void causal_conv(const FrameRing& past, const ConvWeights& w, const Frame& out, const Rows& rows,
                   std::span<const Frame> residual = {}) const {
    ops::conv(ctx, past.frames(), w.weight, w.bias, std::span(&out, 1), residual, rows);
  }

  // The next frame of `past` is silu(norm(x)) in these rows.
  void norm_into(FrameRing& past, const Frame& x, const TensorView& gamma, const Rows& rows) const {
    const Frame& next = past.next(pool, x.shape);
    ops::l2_norm(ctx, part(x, rows), gamma, true, part(next, rows));
  }

  // out = conv2(silu(norm2(conv1(silu(norm1(x)))))) + shortcut(x), in the rows that `left` more
  // convolutions of the level need. out may be x.
  void residual(const ResidualWeights& w, ResidualState& state, const LevelRows& level, int left,
                const Frame& x, const Frame& out) const {
    Scratch scratch{ctx};
    const Rows rows = level.needed_by(left);
    const Rows wider = level.needed_by(left + 1);
    norm_into(state.conv1, x, w.norm1, level.needed_by(left + 2));
    const Frame hidden = between_blocks(ctx, scratch, out.shape);
    causal_conv(state.conv1, w.conv1, hidden, wider);
    state.conv1.drop_oldest(pool);
    norm_into(state.conv2, hidden, w.norm2, wider);
    if (w.shortcut.weight.data == nullptr) {
      causal_conv(state.conv2, w.conv2, out, rows, std::span(&x, 1));
    } else {
      nn::linear(ctx, w.shortcut, as_rows(part(x, rows)), as_rows(part(hidden, rows)));
      causal_conv(state.conv2, w.conv2, out, rows, std::span(&hidden, 1));
    }
    state.conv2.drop_oldest(pool);
  }
};

LevelRows whole_frame(const Frame& frame) {
  const Rows rows{0, frame.shape[0]};
  return {.wanted = rows, .held = rows, .all = rows.end};
}

}  // namespace

LowStages::LowStages(ops::Context& ctx, const DecoderWeights& weights)
    : ctx_(ctx), w_(weights), pool_(ctx.memory, ctx.compute) {}

void LowStages::decode(const Frame& z, const Frame& out) {
  const Work work{ctx_, pool_};
  const LevelRows rows = whole_frame(z);
  nn::linear(ctx_, w_.latent, as_rows(z), as_rows(first_.next(pool_, z.shape)));
  work.causal_conv(first_, w_.first, out, rows.wanted);
  first_.drop_oldest(pool_);
  work.residual(w_.middle0, middle0_, rows, 0, out, out);
  attention(out);
  work.residual(w_.middle2, middle2_, rows, 0, out, out);
  for (size_t index = 0; index < level0_.size(); ++index) {
    work.residual(w_.residuals[0][index], level0_[index], rows, 0, out, out);
  }
}

// x += projection(attention(norm(x))) over the frame's pixels, one head.
void LowStages::attention(const Frame& x) {
  Scratch scratch{ctx_};
  const AttentionWeights& w = w_.middle1;
  const TensorView rows = as_rows(x);
  const TensorView y = scratch.make(ctx_.compute, rows.shape);
  const TensorView q = scratch.make(ctx_.compute, rows.shape);
  const TensorView k = scratch.make(ctx_.compute, rows.shape);
  const TensorView v = scratch.make(ctx_.compute, rows.shape);
  ops::l2_norm(ctx_, rows, w.norm, false, y);
  nn::linear(ctx_, w.q, y, q);
  nn::linear(ctx_, w.k, y, k);
  nn::linear(ctx_, w.v, y, v);
  ops::attention(ctx_, q, k, v, 1, 1.0f / std::sqrt(static_cast<float>(rows.width())), y);
  nn::linear(ctx_, w.projection, y, rows, ops::Epilogue::kAdd);
}

// The residual blocks of a level, then the way up to the next one or out. Overwrites x.
void HighStages::level(int index, const Frame& x) {
  ctx_.stop.check();
  const Work work{ctx_, pool_};
  Scratch scratch{ctx_};
  const auto& weights = w_.residuals[static_cast<size_t>(index)];
  auto& states = residuals_[static_cast<size_t>(index)];
  const LevelRows& rows = rows_of(index);
  const int64_t channels = weights[0].conv2.weight.shape.out_channels;
  const Frame y =
      channels == x.shape[2] ? x : between_blocks(ctx_, scratch, with_channels(x, channels));
  work.residual(weights[0], states[0], rows, 4, x, y);
  work.residual(weights[1], states[1], rows, 2, y, y);
  work.residual(weights[2], states[2], rows, 0, y, y);
  if (index + 1 == kLevels) return finish(y);
  go_up(index, y);
}

void HighStages::go_up(int index, const Frame& x) {
  const auto at = static_cast<size_t>(index);
  const bool has_time = w_.resamples[at].even_frame.weight.data != nullptr;
  if (has_time && past_first_frame_[at]) return double_frames(index, x);
  past_first_frame_[at] = true;
  grow(index, x);
}

void HighStages::double_frames(int index, const Frame& x) {
  const Work work{ctx_, pool_};
  Scratch scratch{ctx_};
  const auto at = static_cast<size_t>(index);
  const Rows rows = rows_of(index).needed_by(0);
  FrameRing& past = time_convs_[at];
  const Frame& next = past.next(pool_, x.shape);
  ops::cast(ctx_, part(x, rows), part(next, rows));
  const Frame frame = scratch.make(ctx_.compute, x.shape);
  work.causal_conv(past, w_.resamples[at].even_frame, frame, rows);
  grow(index, frame);
  work.causal_conv(past, w_.resamples[at].odd_frame, frame, rows);
  past.drop_oldest(pool_);
  grow(index, frame);
}

// Doubles rows and columns and goes on to the next level.
void HighStages::grow(int index, const Frame& from) {
  Scratch scratch{ctx_};
  const LevelRows& low = rows_of(index);
  const LevelRows& high = rows_of(index + 1);
  const Frame x = part(from, low.needed_by(0));
  const ConvWeights& w = w_.resamples[static_cast<size_t>(index)].space;
  // Begins at the row that the first wanted one doubles to, at or before the first one held.
  const Frame out =
      between_blocks(ctx_, scratch, {2 * x.shape[0], 2 * x.shape[1], w.weight.shape.out_channels});
  const Rows held{high.held.begin - 2 * low.wanted.begin, high.held.end - 2 * low.wanted.begin};
  for (int at = 0; at < kGrowParts; ++at)
    grow_part(x, w, make_grow_part(held, x.shape[0], at), out);
  level(index + 1, part(out, held));
}

void HighStages::grow_part(const Frame& x, const ConvWeights& w, const GrowPart& rows,
                           const Frame& out) {
  Scratch scratch{ctx_};
  Frame from = part(x, rows.from);
  const Frame larger = scratch.make(ctx_.compute, {2 * from.shape[0], 2 * x.shape[1], x.shape[2]});
  if (x.dtype != ctx_.compute) {
    const Frame rounded = scratch.make(ctx_.compute, from.shape);
    ops::cast(ctx_, from, rounded);
    from = rounded;
  }
  ops::upsample2x(ctx_, from, larger);
  const int64_t begin = 2 * rows.from.begin;
  const Frame to = part(out, {begin, 2 * rows.from.end});
  ops::conv(ctx_, std::span(&larger, 1), w.weight, w.bias, std::span(&to, 1), {},
            Rows{rows.to.begin - begin, rows.to.end - begin});
}

void HighStages::finish(const Frame& x) {
  const Work work{ctx_, pool_};
  Scratch scratch{ctx_};
  const LevelRows& rows = rows_of(kLevels - 1);
  const Rows picture = rows.in_held(strip_.picture);
  const Frame rgb = scratch.f32(with_channels(x, 3));
  work.norm_into(head_, x, w_.head_norm, rows.needed_by(0));
  work.causal_conv(head_, w_.head, rgb, picture);
  head_.drop_oldest(pool_);
  on_rows_(part(rgb, picture));
}

}  // namespace reel::wan_vae
