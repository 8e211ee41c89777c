// SPDX-License-Identifier: Apache-2.0
#include "core/region_allocator.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel {
namespace {

constexpr size_t kMostTagsNamed = 4;

}  // namespace

RegionAllocator::RegionAllocator(uint64_t size_bytes, std::string what)
    : size_bytes_(size_bytes / kAlignment * kAlignment), what_(std::move(what)) {
  if (size_bytes_ > 0) free_.emplace(0, size_bytes_);
}

uint64_t RegionAllocator::allocate(uint64_t size_bytes, std::string_view tag) {
  if (size_bytes > size_bytes_) fail_full(size_bytes, tag);
  // An empty allocation takes a part too, so that every offset has one owner.
  const uint64_t rounded =
      std::max(kAlignment, (size_bytes + kAlignment - 1) / kAlignment * kAlignment);
  auto best = free_.end();
  for (auto at = free_.begin(); at != free_.end(); ++at) {
    if (at->second >= rounded && (best == free_.end() || at->second < best->second)) best = at;
  }
  if (best == free_.end()) fail_full(size_bytes, tag);
  const auto [offset, free_bytes] = *best;
  free_.erase(best);
  if (free_bytes > rounded) free_.emplace(offset + rounded, free_bytes - rounded);
  taken_.emplace(offset, Part{.size_bytes = rounded, .use = &use_.take(rounded, tag)});
  return offset;
}

void RegionAllocator::free(uint64_t offset_bytes) {
  const auto taken = taken_.find(offset_bytes);
  assert(taken != taken_.end());
  uint64_t begin = offset_bytes;
  uint64_t size_bytes = taken->second.size_bytes;
  use_.give_back(size_bytes, *taken->second.use);
  taken_.erase(taken);

  auto after = free_.lower_bound(begin);
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == begin) {
      begin = before->first;
      size_bytes += before->second;
      free_.erase(before);
    }
  }
  if (after != free_.end() && begin + size_bytes == after->first) {
    size_bytes += after->second;
    free_.erase(after);
  }
  free_.emplace(begin, size_bytes);
}

uint64_t RegionAllocator::largest_free_bytes() const {
  uint64_t largest = 0;
  for (const auto& [offset, size_bytes] : free_) largest = std::max(largest, size_bytes);
  return largest;
}

void RegionAllocator::fail_full(uint64_t size_bytes, std::string_view tag) const {
  std::vector<std::pair<uint64_t, std::string>> holders;
  for (const auto& [name, use] : use_by_tag()) {
    if (use.now_bytes > 0) holders.emplace_back(use.now_bytes, name);
  }
  std::ranges::stable_sort(holders, std::greater{}, &std::pair<uint64_t, std::string>::first);
  if (holders.size() > kMostTagsNamed) holders.resize(kMostTagsNamed);
  std::string held;
  for (const auto& [bytes, name] : holders) {
    held +=
        str_cat(held.empty() ? " Most is held by " : ", ", name, " (", format_bytes(bytes), ')');
  }
  if (!held.empty()) held += '.';
  const uint64_t free_bytes = size_bytes_ - used_bytes();
  const uint64_t largest = largest_free_bytes();
  const std::string pieces =
      largest < free_bytes ? str_cat(", ", format_bytes(largest), " in one piece") : std::string();
  fail(ErrorCode::kOutOfMemory,
       str_cat(tag, " needs ", format_bytes(size_bytes), ", but of ", what_, ", ",
               format_bytes(size_bytes_), ", only ", format_bytes(free_bytes), " are free", pieces,
               '.', held),
       "Use a smaller --size or fewer --frames.");
}

}  // namespace reel
