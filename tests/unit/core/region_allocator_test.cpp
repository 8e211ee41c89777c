// SPDX-License-Identifier: Apache-2.0
#include "core/region_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "support/expect_error.h"

namespace reel {
namespace {

constexpr uint64_t kUnit = RegionAllocator::kAlignment;

TEST(RegionAllocator, FillsTheRegionToTheLastByte) {
  RegionAllocator region(4 * kUnit, "the test");

  EXPECT_EQ(region.allocate(1, "a"), 0u);
  EXPECT_EQ(region.allocate(2 * kUnit, "a"), kUnit);
  EXPECT_EQ(region.allocate(kUnit, "a"), 3 * kUnit);

  EXPECT_EQ(region.used_bytes(), region.size_bytes());
  EXPECT_REEL_ERROR(region.allocate(1, "b"), kOutOfMemory, "b needs 1 byte");
}

TEST(RegionAllocator, NamesTheTagTheFreeBytesAndTheLargestHoldersWhenFull) {
  RegionAllocator region(uint64_t{10} << 20, "the GPU memory that was planned");
  region.allocate(uint64_t{5} << 20, "weights/resident");
  region.allocate(uint64_t{3} << 20, "activations");

  EXPECT_REEL_ERROR(region.allocate(uint64_t{4} << 20, "vae/frames"), kOutOfMemory,
                    "vae/frames needs 4.0 MiB, but of the GPU memory that was planned, 10.0 MiB, "
                    "only 2.0 MiB are free. Most is held by weights/resident (5.0 MiB), "
                    "activations (3.0 MiB).");
}

TEST(RegionAllocator, SaysWhenTheFreeBytesAreInPieces) {
  RegionAllocator region(4 * kUnit, "the test");
  const uint64_t first = region.allocate(kUnit, "a");
  region.allocate(kUnit, "b");
  const uint64_t third = region.allocate(kUnit, "a");
  region.allocate(kUnit, "b");
  region.free(first);
  region.free(third);

  EXPECT_REEL_ERROR(region.allocate(2 * kUnit, "c"), kOutOfMemory,
                    "only 512 bytes are free, 256 bytes in one piece");
}

TEST(RegionAllocator, RefusesASizeThatWouldOverflowWhenRounded) {
  RegionAllocator region(4 * kUnit, "the test");
  EXPECT_REEL_ERROR(region.allocate(~uint64_t{0}, "a"), kOutOfMemory, "a needs");
}

TEST(RegionAllocator, TakesTheSmallestPartThatIsLargeEnough) {
  RegionAllocator region(8 * kUnit, "the test");
  const uint64_t large = region.allocate(3 * kUnit, "a");
  region.allocate(kUnit, "b");
  const uint64_t small = region.allocate(2 * kUnit, "a");
  region.allocate(2 * kUnit, "b");
  region.free(large);
  region.free(small);

  EXPECT_EQ(region.allocate(2 * kUnit, "c"), small);
  EXPECT_EQ(region.allocate(kUnit, "c"), large);
}

TEST(RegionAllocator, JoinsFreedNeighboursInEveryOrder) {
  std::vector<size_t> order{0, 1, 2, 3};
  do {
    RegionAllocator region(4 * kUnit, "the test");
    std::vector<uint64_t> parts;
    for (int part = 0; part < 4; ++part) parts.push_back(region.allocate(kUnit, "a"));
    for (const size_t part : order) region.free(parts[part]);

    EXPECT_EQ(region.largest_free_bytes(), 4 * kUnit);
    EXPECT_EQ(region.allocate(4 * kUnit, "b"), 0u);
  } while (std::ranges::next_permutation(order).found);
}

TEST(RegionAllocator, CountsPeaksInTotalAndByTag) {
  RegionAllocator region(10 * kUnit, "the test");
  const uint64_t text = region.allocate(6 * kUnit, "text");
  region.free(text);
  region.allocate(3 * kUnit, "dit");
  const uint64_t scratch = region.allocate(4 * kUnit, "scratch");
  region.free(scratch);
  region.allocate(kUnit, "scratch");

  EXPECT_EQ(region.used_bytes(), 4 * kUnit);
  EXPECT_EQ(region.peak_bytes(), 7 * kUnit);
  const auto& use = region.use_by_tag();
  EXPECT_EQ(use.at("text").peak_bytes, 6 * kUnit);
  EXPECT_EQ(use.at("text").at_peak_bytes, 0u);
  EXPECT_EQ(use.at("dit").at_peak_bytes, 3 * kUnit);
  EXPECT_EQ(use.at("scratch").at_peak_bytes, 4 * kUnit);
  EXPECT_EQ(use.at("scratch").now_bytes, kUnit);
}

// Thousands of random calls against a list of what is held: parts never overlap, and the same
// calls give the same offsets.
TEST(RegionAllocator, NeverHandsOutTheSameBytesTwice) {
  const auto seed = static_cast<uint32_t>(std::random_device{}());
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  RegionAllocator region(512 * kUnit, "the test");
  RegionAllocator twin(512 * kUnit, "the test");
  std::mt19937 random(seed);
  std::map<uint64_t, uint64_t> held;  // size by offset
  for (int call = 0; call < 5000; ++call) {
    const uint64_t size_bytes = random() % (24 * kUnit);
    if (random() % 2 == 0 && size_bytes < region.largest_free_bytes()) {
      const uint64_t offset = region.allocate(size_bytes, "a");
      ASSERT_EQ(twin.allocate(size_bytes, "a"), offset);
      const auto after = held.lower_bound(offset);
      ASSERT_EQ(offset % kUnit, 0u);
      ASSERT_LE(offset + size_bytes, region.size_bytes());
      if (after != held.end()) {
        ASSERT_LE(offset + size_bytes, after->first);
      }
      if (after != held.begin()) {
        ASSERT_LE(std::prev(after)->first + std::prev(after)->second, offset);
      }
      held.emplace(offset, size_bytes);
    } else if (!held.empty()) {
      const auto at = std::next(held.begin(), static_cast<int64_t>(random() % held.size()));
      region.free(at->first);
      twin.free(at->first);
      held.erase(at);
    }
  }
  for (const auto& [offset, size_bytes] : held) region.free(offset);

  EXPECT_EQ(region.used_bytes(), 0u);
  EXPECT_EQ(region.largest_free_bytes(), region.size_bytes());
}

}  // namespace
}  // namespace reel
