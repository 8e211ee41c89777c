// SPDX-License-Identifier: Apache-2.0
#include "media/digits.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace reel::media {
namespace {

// Rows of '#' and '.'; what is neither black nor white is '?'.
std::string drawn(const Frame& frame) {
  std::string text;
  for (int row = 0; row < frame.height_px; ++row) {
    for (int col = 0; col < frame.width_px; ++col) {
      const size_t at = static_cast<size_t>(row * frame.width_px + col) * 3;
      const int sum = frame.rgb[at] + frame.rgb[at + 1] + frame.rgb[at + 2];
      text += sum == 0 ? '.' : sum == 3 * 255 ? '#' : '?';
    }
    text += '\n';
  }
  return text;
}

TEST(Digits, AreDrawnInTheirPlace) {
  Frame frame(8, 13);
  draw_number(71, {.top_px = 1, .left_px = 1}, frame);
  EXPECT_EQ(drawn(frame),
            ".............\n"
            ".#####...#...\n"
            ".....#..##...\n"
            "....#....#...\n"
            "...#.....#...\n"
            "..#......#...\n"
            "..#......#...\n"
            "..#.....###..\n");
}

TEST(Digits, AreScaledAndCutAtTheBorder) {
  Frame frame(3, 7);
  draw_number(18446744073709551615u, {.scale = 2}, frame);
  EXPECT_EQ(drawn(frame),
            "....##.\n"
            "....##.\n"
            "..####.\n");
}

TEST(Digits, AllDiffer) {
  std::set<std::string> all;
  for (uint64_t digit = 0; digit < 10; ++digit) {
    Frame frame(kDigitHeightPx, kDigitWidthPx);
    draw_number(digit, {}, frame);
    all.insert(drawn(frame));
  }
  EXPECT_EQ(all.size(), 10u);
}

}  // namespace
}  // namespace reel::media
