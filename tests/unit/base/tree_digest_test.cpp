// SPDX-License-Identifier: Apache-2.0
#include "base/tree_digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/hash.h"
#include "support/expect_error.h"

namespace reel {
namespace {

constexpr uint64_t kLeaf = TreeDigest::kLeafBytes;

using Bytes = std::vector<std::byte>;

Bytes random_bytes(size_t size, std::mt19937& random) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// XXH3-128 as text to the bytes it stands for, most significant first.
Bytes bytes_of_hex(const std::string& hex) {
  Bytes bytes;
  for (size_t at = 0; at < hex.size(); at += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

// By the definition, with Digest alone.
std::string want(std::span<const std::byte> bytes) {
  Digest whole;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<size_t>(kLeaf, bytes.size()))) {
    whole.add(bytes_of_hex(digest_hex(bytes.first(std::min<size_t>(kLeaf, bytes.size())))));
  }
  return whole.hex();
}

std::string digest_of(const Bytes& bytes) {
  TreeDigest digest(bytes.size());
  digest.add(0, bytes);
  return digest.hex();
}

TEST(TreeDigest, IsADigestOfTheLeavesDigests) {
  std::mt19937 random(std::random_device{}());
  for (const size_t size : {size_t{0}, size_t{1}, kLeaf - 1, kLeaf, kLeaf + 1, 3 * kLeaf + 5}) {
    const Bytes bytes = random_bytes(size, random);
    EXPECT_EQ(digest_of(bytes), want(bytes)) << size;
  }
}

TEST(TreeDigest, SeveralThreadsMayAddPiecesInAnyOrder) {
  std::mt19937 random(std::random_device{}());
  const Bytes bytes = random_bytes(9 * kLeaf + 1234, random);
  std::vector<std::pair<uint64_t, size_t>> pieces;
  for (uint64_t at = 0; at < bytes.size();) {
    const auto size = std::min<uint64_t>(1 + random() % (2 * kLeaf), bytes.size() - at);
    pieces.emplace_back(at, size);
    at += size;
  }
  std::ranges::shuffle(pieces, random);
  TreeDigest digest(bytes.size());
  constexpr size_t kThreads = 4;
  {
    std::vector<std::jthread> threads;
    for (size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (size_t at = thread; at < pieces.size(); at += kThreads) {
          const auto [offset, size] = pieces[at];
          digest.add(offset, std::span(bytes).subspan(offset, size));
        }
      });
    }
  }

  EXPECT_EQ(digest.hex(), want(bytes));
}

TEST(TreeDigest, ChangesWithEveryByteAndWithTheSize) {
  std::mt19937 random(std::random_device{}());
  Bytes bytes = random_bytes(2 * kLeaf + 3, random);
  const std::string before = digest_of(bytes);
  for (const size_t at : {size_t{0}, kLeaf - 1, kLeaf, 2 * kLeaf + 2}) {
    Bytes other = bytes;
    other[at] ^= std::byte{1};
    EXPECT_NE(digest_of(other), before) << at;
  }
  bytes.push_back(std::byte{0});
  EXPECT_NE(digest_of(bytes), before);
}

TEST(TreeDigest, SaysWhatIsMissingOrTooMuch) {
  const Bytes bytes(kLeaf);
  TreeDigest digest(kLeaf + 10);
  digest.add(0, bytes);
  EXPECT_REEL_ERROR(digest.hex(), kInternal, "misses 1 leaves");
  EXPECT_REEL_ERROR(digest.add(kLeaf, bytes), kInternal, "got 65536 at 65536");
  EXPECT_REEL_ERROR(digest.add(kLeaf + 11, {}), kInternal, "got 0 at 65547");
}

}  // namespace
}  // namespace reel
