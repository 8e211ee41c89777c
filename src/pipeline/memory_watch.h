// SPDX-License-Identifier: Apache-2.0
// Looks at what the process holds while it works, from a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "base/thread_group.h"

namespace reel::pipeline {

class MemoryWatch {
 public:
  static constexpr std::chrono::milliseconds kBetweenLooks{5};

  // A number of bytes now, or nothing where nobody tells. Called from the thread too; must not
  // throw.
  using Look = std::function<std::optional<uint64_t>()>;

  // The most seen of `host` and the least of `gpu_free` since the watch was made or restarted.
  struct Seen {
    std::optional<uint64_t> most_host_bytes;
    std::optional<uint64_t> least_gpu_free_bytes;
  };

  // Either may be empty.
  MemoryWatch(Look host, Look gpu_free);
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  // Looks once more, tells what was seen, and begins anew with what there is now.
  Seen restart();

 private:
  void look();

  const Look host_, gpu_free_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_closing_ = false;
  Seen seen_;
  ThreadGroup thread_;  // last: ends first
};

}  // namespace reel::pipeline
