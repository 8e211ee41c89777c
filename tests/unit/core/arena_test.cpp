// SPDX-License-Identifier: Apache-2.0
#include "core/arena.h"

#include <gtest/gtest.h>

namespace reel {
namespace {

TEST(Arena, AsksTheSystemForNothingOnTheSecondRun) {
  Arena arena("test");
  const auto work = [&] {
    const Arena::Mark mark = arena.mark();
    for (const size_t size : {size_t{100}, size_t{3} << 20, size_t{5} << 20}) arena.take(size);
    arena.release(mark);
  };
  work();
  const uint64_t before = arena.allocations();

  work();

  EXPECT_EQ(arena.allocations(), before);
  EXPECT_GE(arena.peak_bytes(), (uint64_t{8} << 20) + 100);
}

TEST(Arena, HandsOutDisjointAlignedMemory) {
  Arena arena("test");
  std::byte* const first = arena.take(1);
  std::byte* const second = arena.take(1);

  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % Buffer::kAlignment, 0u);
  EXPECT_GE(second - first, 1);
}

TEST(Arena, TakesAllFromTheRoomThatWasMade) {
  Arena arena("test");
  arena.reserve(4096);
  const uint64_t before = arena.allocations();

  std::byte* const first = arena.take(1024);
  EXPECT_EQ(arena.take(3072), first + 1024);

  EXPECT_EQ(arena.allocations(), before);
}

}  // namespace
}  // namespace reel
