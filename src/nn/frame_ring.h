// SPDX-License-Identifier: Apache-2.0
// The last frames a causal convolution has seen.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "core/buffer.h"
#include "ops/conv.h"

namespace reel::nn {

// Memory for the frames of several rings: what one gives back serves the next that wants as much.
class FramePool {
 public:
  // Frames are of `dtype`. `memory` must outlive the pool, the pool its frames.
  FramePool(MemorySpace& memory, DType dtype) : memory_(memory), dtype_(dtype) {}

  ops::Frame take(const Shape& shape);
  // The frame's memory may be handed out again at once: work on it is ordered by the stream.
  void give_back(const ops::Frame& frame);

 private:
  MemorySpace& memory_;
  DType dtype_;
  std::vector<Tensor> all_;
  std::map<int64_t, std::vector<void*>> free_;  // by size in bytes
};

// The next input and the two before it, its past. A frame that does not exist yet is missing, which
// ops::conv takes for zeros. Nothing is copied. Between two inputs a ring holds two frames, so that
// rings of one pool need a third only in turn.
class FrameRing {
 public:
  static constexpr int kTaps = 3;

  // The next frame [rows, cols, channels]; the caller fills it.
  const ops::Frame& next(FramePool& pool, const Shape& shape);
  // Oldest first, the frame last handed out by next() at the end.
  const std::array<ops::Frame, kTaps>& frames() const { return frames_; }
  // Gives back the oldest frame, which no later output needs. Called when this output is done.
  void drop_oldest(FramePool& pool);

 private:
  std::array<ops::Frame, kTaps> frames_{};
};

}  // namespace reel::nn
