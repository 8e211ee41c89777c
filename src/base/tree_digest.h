// SPDX-License-Identifier: Apache-2.0
// A digest that several threads make together: hashing in one line is slower than reading from a
// page cache.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace reel {

// XXH3-128 over the XXH3-128 digests of leaves of kLeafBytes, the last of which may be shorter. The
// pieces a sequence arrives in, and their order, make no difference.
class TreeDigest {
 public:
  static constexpr uint64_t kLeafBytes = uint64_t{64} << 10;

  explicit TreeDigest(uint64_t size_bytes);
  TreeDigest(const TreeDigest&) = delete;
  TreeDigest& operator=(const TreeDigest&) = delete;

  // Bytes of the sequence from `offset_bytes` on; each must be added exactly once. May be called by
  // several threads at a time. Throws kInternal beyond the end.
  void add(uint64_t offset_bytes, std::span<const std::byte> bytes);
  // 32 lower-case digits. Throws kInternal unless every byte was added.
  std::string hex() const;

 private:
  static constexpr size_t kDigestBytes = 16;

  // A leaf whose bytes come in several pieces.
  struct Partial {
    std::vector<std::byte> bytes;
    uint64_t filled_bytes = 0;
  };

  uint64_t leaf_bytes(uint64_t leaf) const;
  void set(uint64_t leaf, std::span<const std::byte> bytes);
  void add_part(uint64_t leaf, uint64_t at, std::span<const std::byte> bytes);

  const uint64_t size_bytes_;
  std::vector<std::byte> leaves_;  // their digests, in order
  std::atomic<uint64_t> missing_;  // leaves
  std::mutex mutex_;
  std::map<uint64_t, Partial> partials_;  // by leaf
};

}  // namespace reel
