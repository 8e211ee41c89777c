// SPDX-License-Identifier: Apache-2.0
// Latent frames of one clip in order, each through all levels before the next one starts: what is
// kept between them is the last input of every memory block.
#pragma once

#include <array>
#include <functional>

#include "core/buffer.h"
#include "models/tae/weights.h"
#include "ops/conv.h"

namespace reel::tae {

using ops::Frame;

// The input of a memory block and the one before it, in turn in two places.
class BlockInputs {
 public:
  BlockInputs(MemorySpace& memory, DType dtype, const Shape& shape);

  // Where the next input goes; what was the last one becomes the past.
  Frame next();
  Frame now() const { return places_[(seen_ + 1) % 2].view(); }
  // No data before the first input has a successor: ops::conv takes it for zeros.
  Frame past() const { return seen_ < 2 ? Frame{} : places_[seen_ % 2].view(); }

 private:
  std::array<Tensor, 2> places_;
  size_t seen_ = 0;
};

class FrameDecoder {
 public:
  // Takes a picture [8 latent_rows, 8 latent_cols, 3] f32, about 0 to 1, in ctx.memory.
  using FrameSink = std::function<void(const Frame& rgb)>;

  // All but `on_frame` must outlive this object.
  FrameDecoder(ops::Context& ctx, const DecoderWeights& weights, int64_t latent_rows,
               int64_t latent_cols, FrameSink on_frame);

  // `z` is the next latent frame [latent_rows, latent_cols, 16] in ctx.compute, as Clamp leaves
  // it. Calls on_frame once for the clip's first, four times for each later one.
  void decode(const Frame& z);

 private:
  BlockInputs& inputs(int level, int index) {
    const int at = kBlocksPerLevel * level + index;
    return inputs_[static_cast<size_t>(at)];
  }
  void conv(std::span<const Frame> frames, const ConvWeights& weights, const Frame& out,
            ops::ConvEpilogue epilogue, std::span<const Frame> residual = {}) const;
  void memory_block(const MemoryWeights& weights, const BlockInputs& in, const Frame& out) const;
  void level(int index);
  void grow(int index, const ConvView& frame, const Frame& x);
  void finish(const Frame& larger);

  ops::Context& ctx_;
  const DecoderWeights& w_;
  const FrameSink on_frame_;
  std::vector<BlockInputs> inputs_;  // of level 0's blocks, of level 1's, of level 2's
  // Three of the four that the first latent frame becomes show nothing.
  int64_t frames_to_drop_ = kFrameStride - 1;
};

}  // namespace reel::tae
