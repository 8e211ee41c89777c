// SPDX-License-Identifier: Apache-2.0
#include "nn/frame_ring.h"

#include <gtest/gtest.h>

#include <set>

namespace reel::nn {
namespace {

TEST(FrameRings, KeepTheLastThreeInOrder) {
  FramePool pool(host_memory(), DType::kF32);
  FrameRing ring;
  for (int number = 1; number <= 6; ++number) {
    ring.next(pool, {1, 1, 1}).as<float>()[0] = static_cast<float>(number);

    const auto frames = ring.frames();

    for (int age = 0; age < 3; ++age) {
      const ops::Frame& frame = frames[static_cast<size_t>(2 - age)];
      if (number - age < 1) {
        EXPECT_EQ(frame.data, nullptr);
      } else {
        EXPECT_EQ(frame.as<float>()[0], static_cast<float>(number - age));
      }
    }
    // Every other time: next() does it where its caller did not.
    if (number % 2 == 0) ring.drop_oldest(pool);
  }
}

// Two frames between inputs, and one more for whichever ring is at work.
TEST(FrameRings, ShareTheirThirdFrame) {
  FramePool pool(host_memory(), DType::kF16);
  std::array<FrameRing, 4> rings;
  std::set<const void*> memory;
  for (int input = 0; input < 7; ++input) {
    for (FrameRing& ring : rings) {
      memory.insert(ring.next(pool, {2, 3, 8}).data);
      ring.drop_oldest(pool);
    }
  }
  EXPECT_EQ(memory.size(), 2 * rings.size() + 1);
}

TEST(FramePools, HandOutNothingTwiceAndOnlyWhatIsLargeEnough) {
  FramePool pool(host_memory(), DType::kF32);
  const ops::Frame first = pool.take({1, 2, 3});
  const ops::Frame second = pool.take({1, 2, 3});
  EXPECT_NE(first.data, second.data);

  pool.give_back(first);

  EXPECT_NE(pool.take({1, 2, 4}).data, first.data);
  const ops::Frame again = pool.take({2, 1, 3});
  EXPECT_EQ(again.data, first.data);
  EXPECT_EQ(again.shape, (Shape{2, 1, 3}));
  EXPECT_EQ(again.dtype, DType::kF32);
}

}  // namespace
}  // namespace reel::nn
