// SPDX-License-Identifier: Apache-2.0
#include "nn/frame_ring.h"

#include <gtest/gtest.h>

namespace reel::nn {
namespace {

TEST(FrameRing, KeepsTheLastThreeInOrder) {
  FrameRing ring;
  for (int number = 1; number <= 5; ++number) {
    ring.next(DType::kF32, {1, 1, 1}).as<float>()[0] = static_cast<float>(number);

    const auto frames = ring.frames();

    for (int age = 0; age < 3; ++age) {
      const ops::Frame& frame = frames[static_cast<size_t>(2 - age)];
      if (number - age < 1) {
        EXPECT_EQ(frame.data, nullptr);
      } else {
        EXPECT_EQ(frame.as<float>()[0], static_cast<float>(number - age));
      }
    }
  }
}

TEST(FrameRing, ForgetsItsPast) {
  FrameRing ring;
  ring.next(DType::kF32, {1, 1, 1});
  ring.clear();
  EXPECT_EQ(ring.frames()[2].data, nullptr);
}

}  // namespace
}  // namespace reel::nn
