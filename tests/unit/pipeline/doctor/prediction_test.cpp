// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/prediction.h"

#include <gtest/gtest.h>

#include "pipeline/doctor/clip_times.h"

namespace reel::pipeline {
namespace {

StagePlan denoise(uint64_t moved, double stream_s, double compute_s) {
  StagePlan stage;
  stage.stage = "denoise";
  stage.later_pass_bytes = moved;
  stage.stream_s = stream_s;
  stage.compute_s = compute_s;
  return stage;
}

TEST(Prediction, IsOfTheFourteenBillionModelWithoutOne) {
  DoctorRequest request;
  request.model.device = "cpu";
  request.model.vram_bytes = uint64_t{12} << 30;
  Progress progress;

  const Plan plan = predict_clip(request, progress);

  EXPECT_TRUE(plan.fits);
  EXPECT_EQ(plan.width_px, 832);
  EXPECT_EQ(plan.frames, 81);
  EXPECT_EQ(plan.steps, 4);
  EXPECT_GT(plan.total_s, 1);
  const auto findings = findings_on(plan);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_NE(findings[0].text.find("A prediction: the speed of an RTX 4070 is assumed"),
            std::string::npos)
      << findings[0].text;
}

TEST(Prediction, SaysWhetherAFasterLinkWouldHelp) {
  Plan plan;
  plan.fits = true;
  plan.stages = {denoise(0, 0, 2)};
  EXPECT_NE(findings_on(plan)[1].text.find("stay on the GPU"), std::string::npos);

  plan.stages = {denoise(1000, 1, 2)};
  EXPECT_EQ(findings_on(plan)[1].health, Health::kGood);
  EXPECT_NE(findings_on(plan)[1].text.find("would change nothing"), std::string::npos);

  plan.stages = {denoise(1000, 3, 2)};
  EXPECT_EQ(findings_on(plan)[1].health, Health::kRemark);
}

TEST(Prediction, OfWhatDoesNotFitNamesWhatDoes) {
  Plan plan;
  plan.refusal = "Too large.";
  plan.alternatives = {"49 frames (--frames 49)"};

  const auto findings = findings_on(plan);

  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].health, Health::kProblem);
  EXPECT_EQ(findings[0].advice, "What would fit: 49 frames (--frames 49).");
}

}  // namespace
}  // namespace reel::pipeline
