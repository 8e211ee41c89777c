// SPDX-License-Identifier: Apache-2.0
#include "core/memory_space.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "support/expect_error.h"

namespace reel {
namespace {

TEST(HostMemory, IsAlignedAndMovesBytes) {
  MemorySpace& heap = host_memory();
  const std::array<std::byte, 5> from{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                      std::byte{5}};
  std::byte* const there = heap.allocate(5, "five bytes");
  std::byte* const other = heap.allocate(5, "five more");
  std::array<std::byte, 5> back{};

  heap.upload(there, from.data(), 5, {});
  heap.copy(other, there, 5, {});
  heap.zero(there, 2, {});
  heap.download(back.data(), other, 5, {});

  EXPECT_TRUE(heap.is_host());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(there) % 64, 0u);
  EXPECT_EQ(back, from);
  EXPECT_EQ(there[1], std::byte{0});
  EXPECT_EQ(there[2], std::byte{3});
  heap.free(there);
  heap.free(other);
}

TEST(HostMemory, CopiesRowsWithTheirStridesAndNothingBetween) {
  const std::array<uint8_t, 9> from{1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::array<uint8_t, 11> to{};

  host_memory().copy_rows(to.data() + 1, 4, from.data() + 1, 3, 2, 3, {});

  EXPECT_EQ(to, (std::array<uint8_t, 11>{0, 2, 3, 0, 0, 5, 6, 0, 0, 8, 9}));
}

// Huge pages need blocks that begin where such a page does.
// UndefinedBehaviorSanitizer would end it.
TEST(HostMemory, MovesNothingFromAndToNull) {
  host_memory().upload(nullptr, nullptr, 0, {});
  host_memory().download(nullptr, nullptr, 0, {});
  host_memory().copy(nullptr, nullptr, 0, {});
  host_memory().copy_rows(nullptr, 0, nullptr, 0, 0, 2, {});
  host_memory().zero(nullptr, 0, {});
}

TEST(HostMemory, AlignsLargeBlocksToHugePages) {
  constexpr size_t kHugePage = size_t{2} << 20;
  for (const size_t size_bytes : {kHugePage, kHugePage + 1, 3 * kHugePage - 7}) {
    std::byte* const data = host_memory().allocate(size_bytes, "a large block");

    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % kHugePage, 0u);
    data[0] = std::byte{1};
    data[size_bytes - 1] = std::byte{2};
    EXPECT_EQ(data[0], std::byte{1});
    host_memory().free(data);
  }
}

#if !defined(__has_feature)  // sanitizers end the program instead
TEST(HostMemory, NamesWhatDidNotFit) {
  EXPECT_REEL_ERROR(host_memory().allocate(size_t{1} << 60, "a wish"), kOutOfMemory,
                    "of memory left for a wish");
}
#endif

}  // namespace
}  // namespace reel
