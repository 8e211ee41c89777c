// SPDX-License-Identifier: Apache-2.0
#include "core/memory_use.h"

#include <algorithm>

namespace reel {

MemoryUse::Use& MemoryUse::take(uint64_t size_bytes, std::string_view tag) {
  auto found = by_tag_.find(tag);
  if (found == by_tag_.end()) found = by_tag_.try_emplace(std::string(tag)).first;
  Use& use = found->second;
  use.now_bytes += size_bytes;
  use.peak_bytes = std::max(use.peak_bytes, use.now_bytes);
  used_bytes_ += size_bytes;
  if (used_bytes_ > peak_bytes_) {
    peak_bytes_ = used_bytes_;
    for (auto& [name, other] : by_tag_) other.at_peak_bytes = other.now_bytes;
  }
  return use;
}

void MemoryUse::give_back(uint64_t size_bytes, Use& use) {
  use.now_bytes -= size_bytes;
  used_bytes_ -= size_bytes;
}

void MemoryUse::restart_peaks() {
  peak_bytes_ = used_bytes_;
  for (auto& [tag, use] : by_tag_) use.peak_bytes = use.at_peak_bytes = use.now_bytes;
}

}  // namespace reel
