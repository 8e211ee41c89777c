// SPDX-License-Identifier: Apache-2.0
// The last frames a causal convolution has seen.
#pragma once

#include <array>

#include "core/buffer.h"
#include "ops/conv.h"

namespace reel::nn {

// Three slots in turn: the next input is written into one, the two before it are its past. A frame
// that does not exist yet is missing, which ops::conv takes for zeros. Nothing is copied.
class FrameRing {
 public:
  static constexpr int kTaps = 3;

  // The slot for the next frame [rows, cols, channels] in the compute precision; the caller fills
  // it.
  const ops::Frame& next(ops::Context& ctx, const Shape& shape);
  // Oldest first, the frame last handed out by next() at the end.
  std::array<ops::Frame, kTaps> frames() const;
  // Forgets all frames, keeps the memory.
  void clear() { seen_ = 0; }

 private:
  std::array<Tensor, kTaps> slots_;
  int64_t seen_ = 0;
};

}  // namespace reel::nn
