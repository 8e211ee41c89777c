// SPDX-License-Identifier: Apache-2.0
#include "media/y4m_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/file.h"
#include "decoded_clip.h"
#include "support/temp_folder.h"

namespace reel::media {
namespace {

TEST(Y4mWriter, StatesSizeRateAndLayout) {
  const test::TempFolder folder;
  const auto writer = make_frame_writer(folder / "a.y4m", {.width_px = 5, .height_px = 3});
  writer->add(Frame(3, 5).view());
  writer->add(Frame(3, 5).view());
  writer->finish();

  const std::string file = read_text_file(folder / "a.y4m", 1 << 20);
  const std::string header = "YUV4MPEG2 W5 H3 F16:1 Ip A1:1 C444 XCOLORRANGE=LIMITED\n";
  EXPECT_EQ(file.substr(0, header.size()), header);
  EXPECT_EQ(file.size(), header.size() + 2 * (6 + 3 * 5 * 3));
  EXPECT_EQ(file.substr(header.size(), 7), "FRAME\n\x10");  // black is 16
}

TEST(Y4mWriter, IsWithinOneLevelOfTheFormulas) {
  constexpr int kSidePx = 64;
  Frame frame(kSidePx, kSidePx);
  std::mt19937 random(1);
  for (uint8_t& level : frame.rgb) level = static_cast<uint8_t>(random());
  const test::TempFolder folder;
  const auto writer =
      make_frame_writer(folder / "a.y4m", {.width_px = kSidePx, .height_px = kSidePx});
  writer->add(frame.view());
  writer->finish();

  const std::string file = read_text_file(folder / "a.y4m", 1 << 20);
  constexpr size_t kPlane = size_t{kSidePx} * kSidePx;
  const auto* planes = reinterpret_cast<const uint8_t*>(file.data() + file.size() - 3 * kPlane);
  for (size_t pixel = 0; pixel < kPlane; ++pixel) {
    const double red = frame.rgb[pixel * 3] / 255.0;
    const double green = frame.rgb[pixel * 3 + 1] / 255.0;
    const double blue = frame.rgb[pixel * 3 + 2] / 255.0;
    // ITU-R BT.709, section 3
    const double y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    ASSERT_NEAR(planes[pixel], 16 + 219 * y, 1.0) << pixel;
    ASSERT_NEAR(planes[kPlane + pixel], 128 + 224 * (blue - y) / 1.8556, 1.0) << pixel;
    ASSERT_NEAR(planes[2 * kPlane + pixel], 128 + 224 * (red - y) / 1.5748, 1.0) << pixel;
  }
}

TEST(Y4mWriter, IsReadBackByFfmpeg) {
  const test::TempFolder folder;
  const auto writer = make_frame_writer(folder / "a.y4m", {.width_px = 65, .height_px = 33});
  for (int index = 0; index < 4; ++index) writer->add(gradient_frame(33, 65, index).view());
  writer->finish();

  const DecodedClip clip = decode_clip(folder / "a.y4m");

  EXPECT_EQ(clip.pixel_format, "yuv444p");
  EXPECT_EQ(clip.color_range, "tv");
  EXPECT_EQ(clip.frame_rate, "16/1");
  ASSERT_EQ(clip.frames.size(), 4u);
  EXPECT_GT(psnr_db(clip.frames[3], gradient_frame(33, 65, 3)), 48.0);
}

}  // namespace
}  // namespace reel::media
