// SPDX-License-Identifier: Apache-2.0
// Who has which part of one region of memory. Arithmetic alone: the bytes are never touched.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace reel {

// A region of fixed size that is handed out in aligned parts, each with a tag. The same calls give
// the same offsets: the smallest free part that is large enough, the lowest of equals.
class RegionAllocator {
 public:
  static constexpr uint64_t kAlignment = 256;

  struct Use {
    uint64_t now_bytes = 0;
    uint64_t peak_bytes = 0;     // the most this tag had at once
    uint64_t at_peak_bytes = 0;  // what it had when the whole region's use was at its peak
  };

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
  uint64_t used_bytes() const { return used_bytes_; }
  uint64_t peak_bytes() const { return peak_bytes_; }
  uint64_t largest_free_bytes() const;
  const std::map<std::string, Use, std::less<>>& use_by_tag() const { return use_by_tag_; }

 private:
  struct Part {
    uint64_t size_bytes;
    Use* use;
  };

  [[noreturn]] void fail_full(uint64_t size_bytes, std::string_view tag) const;
  void count(uint64_t size_bytes, Use& use);

  uint64_t size_bytes_;
  std::string what_;
  uint64_t used_bytes_ = 0;
  uint64_t peak_bytes_ = 0;
  std::map<uint64_t, uint64_t> free_;  // size by offset; neighbours are joined
  std::map<uint64_t, Part> taken_;     // by offset
  std::map<std::string, Use, std::less<>> use_by_tag_;
};

}  // namespace reel
