// SPDX-License-Identifier: Apache-2.0
#include "media/shrink.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::media {
namespace {

TEST(Shrink, TakesTheMeanAndCutsOffTheRest) {
  Frame frame(3, 5);
  for (size_t at = 0; at < frame.rgb.size(); ++at) frame.rgb[at] = static_cast<uint8_t>(at);

  const Frame half = shrink(frame.view(), 2);

  ASSERT_EQ(half.height_px, 1);
  ASSERT_EQ(half.width_px, 2);
  // Of 0, 3, 15 and 18; of 1, 4, 16 and 19; ... of 6, 9, 21 and 24.
  EXPECT_EQ(half.rgb, (std::vector<uint8_t>{9, 10, 11, 15, 16, 17}));
}

TEST(Shrink, OnceIsTheSameFrame) {
  Frame frame(1, 2);
  frame.rgb = {1, 2, 3, 4, 255, 0};
  EXPECT_EQ(shrink(frame.view(), 1).rgb, frame.rgb);
}

TEST(Shrink, RefusesToLeaveNothing) {
  const Frame frame(2, 4);
  EXPECT_REEL_ERROR(shrink(frame.view(), 3), kInvalidArgument, "cannot be shrunk 3 times");
  EXPECT_REEL_ERROR(shrink(frame.view(), 0), kInvalidArgument, "cannot be shrunk 0 times");
}

}  // namespace
}  // namespace reel::media
