// SPDX-License-Identifier: Apache-2.0
// How a caller stops work that is under way.
#pragma once

#include <atomic>

#include "base/error.h"

namespace reel {

// Set from any thread or a signal handler; looked at by every loop that can last over 0.2 s.
class StopFlag {
 public:
  void request() { stopped_.store(true, std::memory_order_relaxed); }
  bool requested() const { return stopped_.load(std::memory_order_relaxed); }
  void clear() { stopped_.store(false, std::memory_order_relaxed); }

  // Throws kCancelled once request() was called.
  void check() const {
    if (requested()) [[unlikely]]
      fail(ErrorCode::kCancelled, "Stopped as asked.");
  }

 private:
  std::atomic<bool> stopped_{false};
};

}  // namespace reel
