// SPDX-License-Identifier: Apache-2.0
// Who has which part of one region of memory. Arithmetic alone: the bytes are never touched.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/memory_use.h"

namespace reel {

// A region of fixed size that is handed out in aligned parts, each with a tag. The same calls give
// the same offsets: the smallest free part that is large enough, the lowest of equals.
class RegionAllocator {
 public:
  static constexpr uint64_t kAlignment = 256;

  // `what` names the region in messages: "the GPU memory that was planned". A size that is no
  // multiple of kAlignment is rounded down.
  RegionAllocator(uint64_t size_bytes, std::string what);

  // Where `size_bytes` begin, a multiple of kAlignment. Throws kOutOfMemory when they do not fit,
  // naming the tag, what is free and who has the rest.
  uint64_t allocate(uint64_t size_bytes, std::string_view tag);
  // Takes back what allocate() gave.
  void free(uint64_t offset_bytes);

  uint64_t size_bytes() const { return size_bytes_; }
  // In steps of kAlignment, as all counts here.
  uint64_t used_bytes() const { return use_.used_bytes(); }
  uint64_t peak_bytes() const { return use_.peak_bytes(); }
  uint64_t largest_free_bytes() const;
  const MemoryUse::ByTag& use_by_tag() const { return use_.by_tag(); }
  const MemoryUse& use() const { return use_; }
  // Peaks count from here on.
  void restart_peaks() { use_.restart_peaks(); }

 private:
  struct Part {
    uint64_t size_bytes;
    MemoryUse::Use* use;
  };

  [[noreturn]] void fail_full(uint64_t size_bytes, std::string_view tag) const;

  uint64_t size_bytes_;
  std::string what_;
  MemoryUse use_;
  std::map<uint64_t, uint64_t> free_;  // size by offset; neighbours are joined
  std::map<uint64_t, Part> taken_;     // by offset
};

}  // namespace reel
