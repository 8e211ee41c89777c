// SPDX-License-Identifier: Apache-2.0
#include "media/enlarge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::media {
namespace {

using testing::ElementsAre;

std::vector<int> reds(const Frame& frame) {
  std::vector<int> levels;
  for (size_t at = 0; at < frame.rgb.size(); at += 3) levels.push_back(frame.rgb[at]);
  return levels;
}

TEST(Enlarge, InterpolatesBetweenPixelCentres) {
  Frame frame(1, 2);
  frame.rgb = {0, 7, 9, 80, 7, 9};

  const Frame twice = enlarge(frame.view(), 2);

  ASSERT_EQ(twice.height_px, 2);
  ASSERT_EQ(twice.width_px, 4);
  EXPECT_THAT(reds(twice), ElementsAre(0, 20, 60, 80,  //
                                       0, 20, 60, 80));
  EXPECT_EQ(twice.rgb[4], 7);
  EXPECT_EQ(twice.rgb[5], 9);
}

TEST(Enlarge, GoesDownAsItGoesAcross) {
  Frame frame(2, 1);
  frame.rgb = {0, 0, 0, 90, 0, 0};

  EXPECT_THAT(reds(enlarge(frame.view(), 3)), ElementsAre(0, 0, 0,     //
                                                          0, 0, 0,     //
                                                          30, 30, 30,  //
                                                          60, 60, 60,  //
                                                          90, 90, 90,  //
                                                          90, 90, 90));
}

TEST(Enlarge, OnceIsTheSameFrame) {
  Frame frame(2, 2);
  frame.rgb = {1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 0, 128};
  EXPECT_EQ(enlarge(frame.view(), 1).rgb, frame.rgb);
}

TEST(Enlarge, RefusesNoTimes) {
  const Frame frame(1, 1);
  EXPECT_REEL_ERROR(enlarge(frame.view(), 0), kInvalidArgument, "cannot be enlarged 0 times");
}

}  // namespace
}  // namespace reel::media
