// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/clip_times.h"

#include <gtest/gtest.h>

namespace reel::pipeline {
namespace {

Plan predicted(double text_s, double denoise_s) {
  Plan plan;
  plan.stages.resize(2);
  plan.stages[0].stage = "text";
  plan.stages[0].total_s = text_s;
  plan.stages[1].stage = "denoise";
  plan.stages[1].total_s = denoise_s;
  return plan;
}

MadeClip made(const MadeClip::Stage& denoise) {
  MadeClip clip;
  clip.stages = {{.stage = "text", .seconds = 1}, denoise};
  return clip;
}

TEST(ClipTimes, AreGoodWhereThePredictionHolds) {
  const auto findings = compare_times(made({.stage = "denoise", .seconds = 11}), predicted(1, 10));

  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].text, "text: 1.0 s, predicted 1.0 s");
  EXPECT_EQ(findings[1].health, Health::kGood);
}

TEST(ClipTimes, BlameWaitingWhereItWaited) {
  const auto disk = compare_times(
      made({.stage = "denoise", .seconds = 20, .stall_s = 9, .storage_bytes = uint64_t{14} << 30}),
      predicted(1, 10));
  EXPECT_EQ(disk[1].health, Health::kRemark);
  EXPECT_NE(disk[1].advice.find("waited 9.0 s for weights, of which 14.0 GiB came from disk"),
            std::string::npos)
      << disk[1].advice;

  const auto cache =
      compare_times(made({.stage = "denoise", .seconds = 20, .stall_s = 9}), predicted(1, 10));
  EXPECT_NE(cache[1].advice.find("page cache"), std::string::npos) << cache[1].advice;
}

TEST(ClipTimes, BlameComputingOtherwise) {
  const auto findings =
      compare_times(made({.stage = "denoise", .seconds = 20, .stall_s = 1}), predicted(1, 10));

  EXPECT_NE(findings[1].advice.find("computing was slow"), std::string::npos) << findings[1].advice;
}

TEST(ClipTimes, LeaveOutStagesThatDidNotRun) {
  MadeClip clip;
  clip.stages = {{.stage = "denoise", .seconds = 1}};

  EXPECT_EQ(compare_times(clip, predicted(1, 10)).size(), 1u);
}

}  // namespace
}  // namespace reel::pipeline
