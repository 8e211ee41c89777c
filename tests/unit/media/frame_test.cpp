// SPDX-License-Identifier: Apache-2.0
#include "media/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/expect_error.h"

namespace reel::media {
namespace {

using testing::ElementsAre;

TEST(ToRgb8, RoundsToTheNearestLevel) {
  const std::vector<float> pixels{0.0f, 1.0f, 0.5f, 0.3f, 0.002f, 0.0019f};
  std::vector<uint8_t> out(pixels.size());

  to_rgb8(pixels, PixelRange::kUnit, out);

  // 127.5 and 76.5 round to even
  EXPECT_THAT(out, ElementsAre(0, 255, 128, 76, 1, 0));
}

TEST(ToRgb8, MapsMinusOneToBlack) {
  const std::vector<float> pixels{-1.0f, 0.0f, 1.0f, -0.5f};
  std::vector<uint8_t> out(pixels.size());

  to_rgb8(pixels, PixelRange::kSigned, out);

  EXPECT_THAT(out, ElementsAre(0, 128, 255, 64));  // 63.75
}

TEST(ToRgb8, ClampsWhatIsOutsideAndMakesNanBlack) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<float> pixels{-0.1f, 1.1f, kInf, -kInf, std::nanf(""), 1e30f};
  std::vector<uint8_t> out(pixels.size());

  to_rgb8(pixels, PixelRange::kUnit, out);

  EXPECT_THAT(out, ElementsAre(0, 255, 255, 0, 0, 255));
}

TEST(ToRgb8, ReturnsEveryLevelUnchanged) {
  std::vector<float> pixels(256);
  std::vector<uint8_t> out(256);
  for (int level = 0; level < 256; ++level) pixels[level] = static_cast<float>(level) / 255.0f;

  to_rgb8(pixels, PixelRange::kUnit, out);

  for (int level = 0; level < 256; ++level) EXPECT_EQ(out[level], level);
}

TEST(ToRgb8, NamesSizesThatDiffer) {
  std::vector<uint8_t> out(2);
  EXPECT_REEL_ERROR(to_rgb8(std::vector<float>(3), PixelRange::kUnit, out), kInvalidArgument,
                    "3 float pixels and room for 2");
}

TEST(PlanesToRgb8, InterleavesThreePlanes) {
  // Two frames per plane, as a decoder of [3, frames, height, width] leaves them.
  const std::vector<float> planes{-1, 1, 9, 9, 0, -1, 9, 9, 1, 0, 9, 9};
  Frame frame(1, 2);

  planes_to_rgb8({.red = planes.data(), .plane_stride = 4}, PixelRange::kSigned, frame);

  EXPECT_THAT(frame.rgb, ElementsAre(0, 128, 255, 255, 0, 128));
}

}  // namespace
}  // namespace reel::media
