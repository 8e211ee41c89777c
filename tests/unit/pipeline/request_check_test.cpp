// SPDX-License-Identifier: Apache-2.0
#include "pipeline/request_check.h"

#include <gmock/gmock.h>

#include <cmath>

#include "support/expect_error.h"

namespace reel::pipeline {
namespace {

using checkpoint::Verdict;
using schedulers::SamplerKind;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const ModelFacts kDistilled14B{};
const ModelFacts kBase14B{.verdict = Verdict::kBase};

TEST(CheckSampling, GivesADistilledModelItsOwnSettings) {
  const CheckedRun run = check_sampling({}, kDistilled14B);

  EXPECT_THAT(run.warnings, IsEmpty());
  EXPECT_THAT(run.settings.step_list, ElementsAre(1000, 750, 500, 250));
  EXPECT_EQ(run.settings.sampler, SamplerKind::kLcm);
  EXPECT_EQ(run.settings.shift, 5.0f);
  EXPECT_FALSE(run.settings.guided());
  EXPECT_EQ(run.settings.size.width_px, 832);
  EXPECT_EQ(run.settings.size.height_px, 480);
  EXPECT_EQ(run.settings.size.frames, 81);
}

TEST(CheckSampling, NeverFallsBackToUndistilledSettings) {
  SamplingOptions options;
  options.steps = 6;

  const CheckedRun run = check_sampling(options, kDistilled14B);

  EXPECT_THAT(run.settings.step_list, ElementsAre(1000, 833, 667, 500, 333, 167));
  EXPECT_EQ(run.settings.sampler, SamplerKind::kLcm);
  EXPECT_FALSE(run.settings.guided());
  EXPECT_THAT(run.warnings, Contains(HasSubstr("distilled for 4 steps; 6 were asked for")));
}

TEST(CheckSampling, ObeysGuidanceOnADistilledModelWithAWarning) {
  SamplingOptions options;
  options.guidance = 3.0f;

  const CheckedRun run = check_sampling(options, kDistilled14B);

  EXPECT_EQ(run.settings.guidance, 3.0f);
  EXPECT_THAT(run.warnings, Contains(HasSubstr("distilled without guidance")));
}

TEST(CheckSampling, RunsABaseModelWithUniPcAndGuidance) {
  const CheckedRun run = check_sampling({}, kBase14B);

  EXPECT_EQ(run.settings.sampler, SamplerKind::kUniPc);
  EXPECT_EQ(run.settings.levels.timesteps.size(), 50u);
  EXPECT_EQ(run.settings.guidance, 5.0f);
  EXPECT_EQ(run.settings.shift, 5.0f);
}

TEST(CheckSampling, SaysOfABaseModelNothingAboutItsDistillation) {
  SamplingOptions options;
  options.sampler = "lcm";
  options.steps = 8;

  const CheckedRun run = check_sampling(options, kBase14B);

  EXPECT_TRUE(run.settings.guided());
  EXPECT_THAT(run.warnings,
              ElementsAre("The lcm sampler is for distilled models; this one is a base model, made "
                          "for unipc."));
}

TEST(CheckSampling, RoundsSizesDownAndSaysSo) {
  SamplingOptions options;
  options.width_px = 841;
  options.height_px = 487;
  options.frames = 80;

  const CheckedRun run = check_sampling(options, kDistilled14B);

  EXPECT_EQ(run.settings.size.width_px, 832);
  EXPECT_EQ(run.settings.size.height_px, 480);
  EXPECT_EQ(run.settings.size.frames, 77);
  EXPECT_THAT(run.warnings, ElementsAre("frames 80 rounded down to 77 (must be 4n + 1).",
                                        HasSubstr("height 487 rounded down to 480"),
                                        HasSubstr("width 841 rounded down to 832")));
}

TEST(CheckSampling, NamesTheFieldThatCannotBe) {
  const auto with = [](auto set) {
    SamplingOptions options;
    set(options);
    return check_sampling(options, kDistilled14B);
  };
  EXPECT_REEL_ERROR(with([](auto& o) { o.width_px = 8; }), kInvalidArgument, "width is 8 pixels");
  EXPECT_REEL_ERROR(with([](auto& o) { o.height_px = 16400; }), kInvalidArgument, "16 to 16384");
  EXPECT_REEL_ERROR(with([](auto& o) { o.frames = -3; }), kInvalidArgument, "frames is -3");
  EXPECT_REEL_ERROR(with([](auto& o) { o.frames = 5000; }), kInvalidArgument, "1 to 4093");
  EXPECT_REEL_ERROR(with([](auto& o) { o.steps = 0; }), kInvalidArgument, "steps is 0");
  EXPECT_REEL_ERROR(with([](auto& o) { o.shift = std::nanf(""); }), kInvalidArgument, "shift");
  EXPECT_REEL_ERROR(with([](auto& o) { o.guidance = -1.0f; }), kInvalidArgument, "guidance is -1");
  EXPECT_REEL_ERROR(with([](auto& o) { o.sampler = "ddim"; }), kInvalidArgument, "ddim");
  EXPECT_REEL_ERROR(with([](auto& o) {
                      o.steps = 3;
                      o.timesteps = {1000, 500};
                    }),
                    kInvalidArgument, "steps is 3 but timesteps lists 2");
}

TEST(CheckSampling, DrawsASeedWhenNoneIsGiven) {
  const uint64_t first = check_sampling({}, kDistilled14B).settings.seed;
  const uint64_t second = check_sampling({}, kDistilled14B).settings.seed;
  EXPECT_NE(first, second);  // equal once in 4 billion runs
}

}  // namespace
}  // namespace reel::pipeline
