// SPDX-License-Identifier: Apache-2.0
// Source: madebyollin/taehv, taehv.py: TAEHV.decoder, taken frame by frame.
#include "models/tae/frame_decoder.h"

#include <utility>

#include "memory/tags.h"

namespace reel::tae {
namespace {

using ops::ConvEpilogue;
using ops::Scratch;

}  // namespace

BlockInputs::BlockInputs(MemorySpace& memory, DType dtype, const Shape& shape)
    : places_{Tensor(memory, dtype, shape, memory::tags::kPastFrames),
              Tensor(memory, dtype, shape, memory::tags::kPastFrames)} {}

Frame BlockInputs::next() { return places_[seen_++ % 2].view(); }

FrameDecoder::FrameDecoder(ops::Context& ctx, const DecoderWeights& weights, int64_t latent_rows,
                           int64_t latent_cols, FrameSink on_frame)
    : ctx_(ctx), w_(weights), on_frame_(std::move(on_frame)) {
  for (int level = 0; level < kLevels; ++level) {
    const ConvShape& block = w_.levels[static_cast<size_t>(level)].blocks[0].conv2.weight.shape;
    for (int index = 0; index < kBlocksPerLevel; ++index) {
      inputs_.emplace_back(ctx.memory, ctx.compute,
                           Shape{latent_rows << level, latent_cols << level, block.in_channels});
    }
  }
}

void FrameDecoder::decode(const Frame& z) {
  conv({&z, 1}, w_.first, inputs(0, 0).next(), ConvEpilogue::kRelu);
  level(0);
}

void FrameDecoder::conv(std::span<const Frame> frames, const ConvWeights& weights, const Frame& out,
                        ConvEpilogue epilogue, std::span<const Frame> residual) const {
  ops::conv(ctx_, frames, weights.weight, weights.bias, {&out, 1}, residual, {}, epilogue);
}

// out = relu(conv3(relu(conv2(relu(conv1(past, now))))) + now)
void FrameDecoder::memory_block(const MemoryWeights& weights, const BlockInputs& in,
                                const Frame& out) const {
  Scratch scratch{ctx_};
  const Frame now = in.now();
  const Frame both[] = {in.past(), now};
  const Frame hidden1 = scratch.make(ctx_.compute, now.shape);
  const Frame hidden2 = scratch.make(ctx_.compute, now.shape);
  conv(both, weights.conv1, hidden1, ConvEpilogue::kRelu);
  conv({&hidden1, 1}, weights.conv2, hidden2, ConvEpilogue::kRelu);
  conv({&hidden2, 1}, weights.conv3, out, ConvEpilogue::kRelu, {&now, 1});
}

// The memory blocks of a level, of which the first has its input, and the way on of each frame
// that the level makes.
void FrameDecoder::level(int index) {
  ctx_.stop.check();
  Scratch scratch{ctx_};
  const LevelWeights& weights = w_.levels[static_cast<size_t>(index)];
  const Frame out = scratch.make(ctx_.compute, inputs(index, 0).now().shape);
  for (int at = 0; at < kBlocksPerLevel; ++at) {
    const bool is_last = at + 1 == kBlocksPerLevel;
    memory_block(weights.blocks[static_cast<size_t>(at)], inputs(index, at),
                 is_last ? out : inputs(index, at + 1).next());
  }
  for (const ConvView& frame : weights.grow) {
    if (index + 1 == kLevels && frames_to_drop_ > 0) {
      --frames_to_drop_;  // no later frame depends on it
      continue;
    }
    grow(index, frame, out);
  }
}

// One frame of those that the level makes of x, sides doubled. The order of the 1x1 product and of
// doubling is the other way round in the source; here it takes a quarter of the time, and the
// numbers are the same.
void FrameDecoder::grow(int index, const ConvView& frame, const Frame& x) {
  const ConvView& narrow = w_.levels[static_cast<size_t>(index)].narrow;
  const Shape doubled{2 * x.shape[0], 2 * x.shape[1], x.shape[2]};
  {
    Scratch scratch{ctx_};
    const Frame larger = scratch.make(ctx_.compute, doubled);
    const Frame grown = scratch.make(ctx_.compute, x.shape);
    ops::conv(ctx_, {&x, 1}, frame, {}, {&grown, 1});
    ops::upsample2x(ctx_, grown, larger);
    if (index + 1 == kLevels) return finish(larger);
    const Frame next = inputs(index + 1, 0).next();
    ops::conv(ctx_, {&larger, 1}, narrow, {}, {&next, 1});
  }
  level(index + 1);
}

void FrameDecoder::finish(const Frame& larger) {
  Scratch scratch{ctx_};
  const ConvView& narrow = w_.levels.back().narrow;
  const int64_t rows = larger.shape[0];
  const int64_t cols = larger.shape[1];
  const Frame last = scratch.make(ctx_.compute, {rows, cols, narrow.shape.out_channels});
  const Frame rgb = scratch.f32({rows, cols, 3});
  ops::conv(ctx_, {&larger, 1}, narrow, {}, {&last, 1}, {}, {}, ConvEpilogue::kRelu);
  conv({&last, 1}, w_.head, rgb, ConvEpilogue::kStore);
  on_frame_(rgb);
}

}  // namespace reel::tae
