// SPDX-License-Identifier: Apache-2.0
// Scratch memory that is reused: taken in order, given back all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace reel {

// A stack of memory. It grows when it must and never shrinks, so that a second run of the same work
// allocates nothing. Host memory given back is filled with NaN bits in debug builds.
class Arena {
 public:
  // `space` must outlive the arena.
  explicit Arena(const char* name, MemorySpace& space = host_memory())
      : name_(name), space_(space) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  struct Mark {
    size_t chunk = 0;
    size_t used_bytes = 0;
    uint64_t total_bytes = 0;
  };

  // Makes room for `size_bytes` in one piece, while nothing is in use.
  void reserve(size_t size_bytes);
  // 64-byte aligned, uninitialised; valid until the mark taken before it is released.
  std::byte* take(size_t size_bytes);
  Mark mark() const { return at_; }
  void release(const Mark& mark);

  // The most that was in use at once, and how often the system was asked for memory.
  uint64_t peak_bytes() const { return peak_bytes_; }
  uint64_t allocations() const { return allocations_; }

 private:
  const char* name_;
  MemorySpace& space_;
  std::vector<Buffer> chunks_;
  Mark at_;
  uint64_t peak_bytes_ = 0;
  uint64_t allocations_ = 0;
};

}  // namespace reel
