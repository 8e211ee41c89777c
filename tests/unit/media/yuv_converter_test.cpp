// SPDX-License-Identifier: Apache-2.0
#include "media/yuv_converter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/expect_error.h"

namespace reel::media {
namespace {

Frame random_frame(int height_px, int width_px) {
  Frame frame(height_px, width_px);
  std::mt19937 random(std::random_device{}());
  for (uint8_t& level : frame.rgb) level = static_cast<uint8_t>(random());
  return frame;
}

struct Yuv {
  double y, cb, cr;
};

// ITU-R BT.709, section 3, and the levels of its 8-bit form.
Yuv by_formula(double red, double green, double blue) {
  const double y = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
  return {16 + 219 * y, 128 + 224 * (blue / 255 - y) / 1.8556,
          128 + 224 * (red / 255 - y) / 1.5748};
}

// The nearest level, or the one beside it where the two are all but equally near.
constexpr double kNearest = 0.51;

TEST(YuvConverter, IsTheNearestLevelOfTheFormulas) {
  const int height_px = 31, width_px = 67;
  const Frame frame = random_frame(height_px, width_px);

  YuvConverter converter(width_px, height_px, Chroma::k444);
  const YuvFrame& yuv = converter.convert(frame.view());

  for (size_t pixel = 0; pixel < frame.rgb.size() / 3; ++pixel) {
    const uint8_t* rgb = &frame.rgb[pixel * 3];
    const Yuv expected = by_formula(rgb[0], rgb[1], rgb[2]);
    ASSERT_NEAR(yuv.planes[0].pixels[pixel], expected.y, kNearest) << pixel;
    ASSERT_NEAR(yuv.planes[1].pixels[pixel], expected.cb, kNearest) << pixel;
    ASSERT_NEAR(yuv.planes[2].pixels[pixel], expected.cr, kNearest) << pixel;
  }
}

TEST(YuvConverter, HalvedChromaIsSitedLeft) {
  const int height_px = 30, width_px = 66;
  const Frame frame = random_frame(height_px, width_px);

  YuvConverter converter(width_px, height_px, Chroma::k420);
  const YuvFrame& yuv = converter.convert(frame.view());

  ASSERT_EQ(yuv.planes[1].height_px, 15);
  ASSERT_EQ(yuv.planes[1].width_px, 33);
  for (int row = 0; row < 15; ++row) {
    for (int col = 0; col < 33; ++col) {
      double mean[3] = {};
      for (int channel = 0; channel < 3; ++channel) {
        for (int down = 0; down < 2; ++down) {
          for (int right = -1; right <= 1; ++right) {
            const int from = std::max(2 * col + right, 0);
            const double weight = right == 0 ? 0.25 : 0.125;
            mean[channel] += weight * frame.rgb[((2 * row + down) * width_px + from) * 3 + channel];
          }
        }
      }
      const Yuv expected = by_formula(mean[0], mean[1], mean[2]);
      ASSERT_NEAR(yuv.planes[1].pixels[row * 33 + col], expected.cb, kNearest) << row << ' ' << col;
      ASSERT_NEAR(yuv.planes[2].pixels[row * 33 + col], expected.cr, kNearest) << row << ' ' << col;
    }
  }
}

TEST(YuvConverter, KeepsGreysGrey) {
  Frame frame(2, 256);
  for (int col = 0; col < 512; ++col) {
    std::fill_n(&frame.rgb[col * 3], 3, static_cast<uint8_t>(col % 256));
  }
  for (const Chroma chroma : {Chroma::k420, Chroma::k444}) {
    YuvConverter converter(256, 2, chroma);
    const YuvFrame& yuv = converter.convert(frame.view());
    EXPECT_EQ(yuv.planes[0].pixels.front(), 16);
    EXPECT_EQ(yuv.planes[0].pixels.back(), 235);
    for (int plane = 1; plane < 3; ++plane) {
      for (const uint8_t level : yuv.planes[plane].pixels) ASSERT_EQ(level, 128);
    }
  }
}

TEST(YuvConverter, RefusesToHalveOddSides) {
  EXPECT_EQ(chroma_for(64, 32), Chroma::k420);
  EXPECT_EQ(chroma_for(63, 32), Chroma::k444);
  EXPECT_REEL_ERROR(YuvConverter(63, 32, Chroma::k420), kInvalidArgument, "63x32");
}

}  // namespace
}  // namespace reel::media
