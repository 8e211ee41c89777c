// SPDX-License-Identifier: Apache-2.0
// Bytes in use by tag, and the most there were.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace reel {

class MemoryUse {
 public:
  struct Use {
    uint64_t now_bytes = 0;
    uint64_t peak_bytes = 0;     // the most this tag had at once
    uint64_t at_peak_bytes = 0;  // what it had when the use of all tags was at its peak
  };
  using ByTag = std::map<std::string, Use, std::less<>>;

  // Counts bytes as taken under the tag. The reference stays valid, for give_back().
  Use& take(uint64_t size_bytes, std::string_view tag);
  void give_back(uint64_t size_bytes, Use& use);
  // Peaks count from here on.
  void restart_peaks();

  uint64_t used_bytes() const { return used_bytes_; }
  uint64_t peak_bytes() const { return peak_bytes_; }
  const ByTag& by_tag() const { return by_tag_; }

 private:
  uint64_t used_bytes_ = 0;
  uint64_t peak_bytes_ = 0;
  ByTag by_tag_;
};

}  // namespace reel
