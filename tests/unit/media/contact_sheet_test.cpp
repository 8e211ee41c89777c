// SPDX-License-Identifier: Apache-2.0
#include "media/contact_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/expect_error.h"

namespace reel::media {
namespace {

using testing::ElementsAre;

Frame flat(int height_px, int width_px, uint8_t level) {
  Frame frame(height_px, width_px);
  std::fill(frame.rgb.begin(), frame.rgb.end(), level);
  return frame;
}

TEST(ContactSheet, LaysFramesInReadingOrder) {
  const Frame one = flat(1, 1, 10);
  const Frame two = flat(1, 1, 20);
  const Frame three = flat(1, 1, 30);
  const FrameView views[] = {one.view(), two.view(), three.view()};

  const Frame sheet = make_contact_sheet(views, {.columns = 2, .gap_px = 1});

  ASSERT_EQ(sheet.height_px, 3);
  ASSERT_EQ(sheet.width_px, 3);
  std::vector<int> reds;
  for (size_t index = 0; index < sheet.rgb.size(); index += 3) reds.push_back(sheet.rgb[index]);
  EXPECT_THAT(reds, ElementsAre(10, 0, 20,  //
                                0, 0, 0,    //
                                30, 0, 0));
}

TEST(ContactSheet, ShrinksByTheMean) {
  Frame frame(2, 2);
  frame.rgb = {0, 0, 0, 10, 0, 0, 20, 0, 0, 31, 0, 255};
  const FrameView views[] = {frame.view()};

  const Frame sheet = make_contact_sheet(views, {.shrink = 2});

  EXPECT_THAT(sheet.rgb, ElementsAre(15, 0, 64));  // 61 / 4 and 255 / 4
}

TEST(ContactSheet, IsAboutSquareByDefault) {
  const Frame frame = flat(48, 83, 0);
  const std::vector<FrameView> views(9, frame.view());

  const Frame sheet = make_contact_sheet(views);

  EXPECT_EQ(sheet.width_px, 2 * 83 + 4);
  EXPECT_EQ(sheet.height_px, 5 * 48 + 4 * 4);
}

TEST(ContactSheet, NamesAFrameOfAnotherSize) {
  const Frame one = flat(1, 1, 0);
  const Frame two = flat(1, 2, 0);
  const FrameView views[] = {one.view(), two.view()};
  EXPECT_REEL_ERROR(make_contact_sheet(views), kInvalidArgument,
                    "a frame is 2x1, the first is 1x1");
  EXPECT_REEL_ERROR(make_contact_sheet({}), kInvalidArgument, "no frames");
  EXPECT_REEL_ERROR(make_contact_sheet({views, 1}, {.shrink = 2}), kInvalidArgument, "do not fit");
}

}  // namespace
}  // namespace reel::media
