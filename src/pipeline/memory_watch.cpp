// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_watch.h"

#include <algorithm>
#include <utility>

namespace reel::pipeline {

MemoryWatch::MemoryWatch(Look host, Look gpu_free)
    : host_(std::move(host)), gpu_free_(std::move(gpu_free)) {
  look();
  thread_.start([this] {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kBetweenLooks, [this] { return is_closing_; })) {
      lock.unlock();
      look();
      lock.lock();
    }
  });
}

MemoryWatch::~MemoryWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
}

MemoryWatch::Seen MemoryWatch::restart() {
  look();
  const std::lock_guard lock(mutex_);
  return std::exchange(seen_, {});
}

void MemoryWatch::look() {
  const std::optional<uint64_t> host = host_ ? host_() : std::nullopt;
  const std::optional<uint64_t> gpu_free = gpu_free_ ? gpu_free_() : std::nullopt;
  const std::lock_guard lock(mutex_);
  if (host) seen_.most_host_bytes = std::max(seen_.most_host_bytes.value_or(0), *host);
  if (gpu_free) {
    seen_.least_gpu_free_bytes =
        std::min(seen_.least_gpu_free_bytes.value_or(UINT64_MAX), *gpu_free);
  }
}

}  // namespace reel::pipeline
