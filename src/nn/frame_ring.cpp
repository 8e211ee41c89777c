// SPDX-License-Identifier: Apache-2.0
#include "nn/frame_ring.h"

namespace reel::nn {

const ops::Frame& FrameRing::next(ops::Context& ctx, const Shape& shape) {
  Tensor& slot = slots_[static_cast<size_t>(seen_++ % kTaps)];
  if (slot.empty() || slot.dtype() != ctx.compute || !(slot.shape() == shape)) {
    slot = Tensor(ctx.memory, ctx.compute, shape, "the decoder's past frames");
  }
  return slot.view();
}

std::array<ops::Frame, FrameRing::kTaps> FrameRing::frames() const {
  std::array<ops::Frame, kTaps> frames{};
  for (int64_t age = 0; age < kTaps && age < seen_; ++age) {
    frames[static_cast<size_t>(kTaps - 1 - age)] =
        slots_[static_cast<size_t>((seen_ - 1 - age) % kTaps)].view();
  }
  return frames;
}

}  // namespace reel::nn
