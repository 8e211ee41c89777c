// SPDX-License-Identifier: Apache-2.0
#include "media/mp4_encoders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reel::media {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Mp4Encoders, TriesWhatIsAskedForElseTheUsualOnes) {
  EXPECT_THAT(encoders_to_try({}), ElementsAre("libx264", "libopenh264", "h264_nvenc", "mpeg4"));
  EXPECT_THAT(encoders_to_try({.encoders = {"h264_vaapi"}}), ElementsAre("h264_vaapi"));
}

TEST(Mp4Encoders, QualityIsEachEncodersOwn) {
  EXPECT_THAT(quality_settings("libx264", 18), testing::Contains(Pair("crf", "18")));
  EXPECT_THAT(quality_settings("h264_nvenc", 0), testing::Contains(Pair("cq", "1")));
  EXPECT_THAT(quality_settings("libopenh264", 18),
              ElementsAre(Pair("qmin", "18"), Pair("qmax", "18")));
  // MPEG-4's quantiser is never 0.
  EXPECT_THAT(quality_settings("mpeg4", 18), ElementsAre(Pair("qmin", "3"), Pair("qmax", "3")));
  EXPECT_THAT(quality_settings("mpeg4", 0), ElementsAre(Pair("qmin", "1"), Pair("qmax", "1")));
}

TEST(Mp4Encoders, AFrameIsAWholeNumberOfTicks) {
  for (const FrameRate rate : {FrameRate{16, 1}, {24, 1}, {25, 2}, {30000, 1001}}) {
    EXPECT_EQ(int64_t{movie_timescale(rate)} * rate.denominator % rate.numerator, 0)
        << rate.numerator;
  }
}

}  // namespace
}  // namespace reel::media
