// SPDX-License-Identifier: Apache-2.0
#include "nn/frame_ring.h"

#include <gtest/gtest.h>

#include "backends/cpu/backend.h"

namespace reel::nn {
namespace {

class FrameRings : public testing::Test {
 protected:
  Arena arena_{"test"};
  StopFlag stop_;
  ops::Context ctx_{.kernels = cpu::reference_kernels(), .arena = arena_, .stop = stop_};
};

TEST_F(FrameRings, KeepsTheLastThreeInOrder) {
  FrameRing ring;
  for (int number = 1; number <= 5; ++number) {
    ring.next(ctx_, {1, 1, 1}).as<float>()[0] = static_cast<float>(number);

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

TEST_F(FrameRings, ForgetsItsPast) {
  FrameRing ring;
  ring.next(ctx_, {1, 1, 1});
  ring.clear();
  EXPECT_EQ(ring.frames()[2].data, nullptr);
}

}  // namespace
}  // namespace reel::nn
