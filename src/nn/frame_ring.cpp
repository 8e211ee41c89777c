// SPDX-License-Identifier: Apache-2.0
#include "nn/frame_ring.h"

#include <algorithm>

namespace reel::nn {

ops::Frame FramePool::take(const Shape& shape) {
  std::vector<void*>& free = free_[storage_bytes(dtype_, shape.elements())];
  if (free.empty()) {
    return all_.emplace_back(memory_, dtype_, shape, "past frames").view();
  }
  const ops::Frame frame{.data = free.back(), .dtype = dtype_, .shape = shape};
  free.pop_back();
  return frame;
}

void FramePool::give_back(const ops::Frame& frame) {
  free_[frame.size_bytes()].push_back(frame.data);
}

const ops::Frame& FrameRing::next(FramePool& pool, const Shape& shape) {
  drop_oldest(pool);
  std::rotate(frames_.begin(), frames_.begin() + 1, frames_.end());
  return frames_.back() = pool.take(shape);
}

void FrameRing::drop_oldest(FramePool& pool) {
  ops::Frame& oldest = frames_.front();
  if (oldest.data != nullptr) pool.give_back(oldest);
  oldest = {};
}

}  // namespace reel::nn
