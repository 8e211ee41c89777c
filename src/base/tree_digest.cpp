// SPDX-License-Identifier: Apache-2.0
#include "base/tree_digest.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"

namespace reel {

TreeDigest::TreeDigest(uint64_t size_bytes)
    : size_bytes_(size_bytes),
      leaves_((size_bytes + kLeafBytes - 1) / kLeafBytes * kDigestBytes),
      missing_(leaves_.size() / kDigestBytes) {}

void TreeDigest::add(uint64_t offset_bytes, std::span<const std::byte> bytes) {
  REEL_REQUIRE(
      offset_bytes <= size_bytes_ && bytes.size() <= size_bytes_ - offset_bytes, kInternal,
      str_cat("a digest of ", size_bytes_, " bytes got ", bytes.size(), " at ", offset_bytes));
  while (!bytes.empty()) {
    const uint64_t leaf = offset_bytes / kLeafBytes;
    const uint64_t at = offset_bytes % kLeafBytes;
    const uint64_t size = std::min<uint64_t>(leaf_bytes(leaf) - at, bytes.size());
    if (size == leaf_bytes(leaf)) {
      set(leaf, bytes.first(size));
    } else {
      add_part(leaf, at, bytes.first(size));
    }
    offset_bytes += size;
    bytes = bytes.subspan(size);
  }
}

uint64_t TreeDigest::leaf_bytes(uint64_t leaf) const {
  return std::min(kLeafBytes, size_bytes_ - leaf * kLeafBytes);
}

void TreeDigest::set(uint64_t leaf, std::span<const std::byte> bytes) {
  XXH128_canonical_t digest;
  static_assert(sizeof digest == kDigestBytes);
  XXH128_canonicalFromHash(&digest, XXH3_128bits(bytes.data(), bytes.size()));
  std::memcpy(leaves_.data() + leaf * kDigestBytes, &digest, kDigestBytes);
  --missing_;
}

void TreeDigest::add_part(uint64_t leaf, uint64_t at, std::span<const std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  Partial& partial = partials_[leaf];
  partial.bytes.resize(leaf_bytes(leaf));
  std::memcpy(partial.bytes.data() + at, bytes.data(), bytes.size());
  partial.filled_bytes += bytes.size();
  if (partial.filled_bytes < partial.bytes.size()) return;
  set(leaf, partial.bytes);
  partials_.erase(leaf);
}

std::string TreeDigest::hex() const {
  REEL_REQUIRE(missing_ == 0, kInternal,
               str_cat("a digest of ", size_bytes_, " bytes misses ", missing_.load(), " leaves"));
  return digest_hex(leaves_);
}

}  // namespace reel
