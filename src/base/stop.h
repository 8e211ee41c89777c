// SPDX-License-Identifier: Apache-2.0
// How a caller stops work that is under way.
#pragma once

#include <atomic>

#include "base/error.h"

namespace reel {

// Set from any thread or a signal handler; looked at by every loop that can last over 0.2 s.
class StopFlag {
 public:
  StopFlag() = default;
  // Follows a flag that the caller owns and keeps alive.
  explicit StopFlag(const std::atomic<bool>& watched) : watched_(&watched) {}
  StopFlag(const StopFlag&) = delete;
  StopFlag& operator=(const StopFlag&) = delete;

  void request() { stopped_.store(true, std::memory_order_relaxed); }
  bool requested() const {
    return stopped_.load(std::memory_order_relaxed) ||
           (watched_ != nullptr && watched_->load(std::memory_order_relaxed));
  }

  // Throws kCancelled once a stop was requested.
  void check() const {
    if (requested()) [[unlikely]]
      fail(ErrorCode::kCancelled, "Stopped as asked.");
  }

 private:
  std::atomic<bool> stopped_{false};
  const std::atomic<bool>* watched_ = nullptr;
};

}  // namespace reel
