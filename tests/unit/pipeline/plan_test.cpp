// SPDX-License-Identifier: Apache-2.0
// What a caller is told of a plan, for made-up checkpoints with the true headers of the 14B.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/plan.h>

#include <cstdlib>

#include "backends/cuda/gpu.h"
#include "base/byte_units.h"
#include "memory/budget.h"
#include "pipeline/machine_file.h"
#include "support/temp_folder.h"
#include "unit/pipeline/headers_14b.h"

namespace reel {
namespace {

using test::checkpoint_14b;
using testing::HasSubstr;

TEST(MakePlan, AnswersForACheckpointWithoutAGpu) {
  PlanRequest request;
  request.model.model = checkpoint_14b("distill_fp8");
  request.model.vram_bytes = 8 * kGiB;
  request.model.ram_bytes = 4 * kGiB;

  const Plan plan = make_plan(request);

  EXPECT_TRUE(plan.fits) << plan.refusal;
  EXPECT_EQ(plan.frames, 81);
  EXPECT_EQ(plan.steps, 4);
  EXPECT_TRUE(plan.is_assumed);
  ASSERT_EQ(plan.stages.size(), 3u);
  EXPECT_EQ(plan.stages[0].stage, "text");
  EXPECT_EQ(plan.stages[1].passes, 4);
  EXPECT_EQ(plan.stages[1].read_mode, "direct");
  EXPECT_TRUE(plan.warnings.empty());
}

TEST(MakePlan, AnswersWhatDoesNotFitWithoutThrowing) {
  PlanRequest request;
  request.model.model = checkpoint_14b("distill_fp8");
  request.model.vram_bytes = 2 * kGiB;

  const Plan plan = make_plan(request);

  EXPECT_FALSE(plan.fits);
  EXPECT_THAT(plan.refusal, HasSubstr("may be used"));
  ASSERT_FALSE(plan.alternatives.empty());
  EXPECT_THAT(plan.alternatives.back(), HasSubstr("--vram"));
  ASSERT_EQ(plan.changes.size(), plan.alternatives.size());
  const PlanChange& last = plan.changes.back();
  ASSERT_TRUE(last.card_bytes);
  EXPECT_EQ(last.text, "a card of " + std::to_string(*last.card_bytes / kGiB) + " GiB");
  EXPECT_THAT(plan.alternatives.back(), HasSubstr(last.text));
}

TEST(MakePlan, TellsTheLongestClipThatFitsAsANumber) {
  PlanRequest request;
  request.model.model = checkpoint_14b("distill_fp8");
  request.model.vram_bytes = 8 * kGiB;
  request.sampling.width_px = 1280;
  request.sampling.height_px = 720;
  request.sampling.frames = 401;
  const Plan plan = make_plan(request);
  ASSERT_FALSE(plan.fits);
  ASSERT_FALSE(plan.changes.empty());
  ASSERT_TRUE(plan.changes.front().frames);

  request.sampling.frames = *plan.changes.front().frames;
  EXPECT_TRUE(make_plan(request).fits);
  request.sampling.frames = *plan.changes.front().frames + 4;
  EXPECT_FALSE(make_plan(request).fits);
}

TEST(MakePlan, TellsTheSizesThatTheModelWasTrainedAt) {
  PlanRequest request;
  request.model.model = checkpoint_14b("distill_fp8");
  const std::vector<FrameSize> sizes = make_plan(request).trained_sizes;
  ASSERT_FALSE(sizes.empty());
  EXPECT_EQ(sizes.front().width_px, 832);
  EXPECT_EQ(sizes.front().height_px, 480);
}

TEST(MakePlan, TakesTheMeasuredRateOfTheAttentionThatIsAskedFor) {
  const test::TempFolder cache;
  const char* const before = std::getenv("XDG_CACHE_HOME");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("XDG_CACHE_HOME", cache.path().c_str(), 1);
  const auto gpus = cuda::list_gpus();
  memory::Rates rates = memory::assumed_machine("RTX 4070").rates;
  rates.e4m3_attention_ops = rates.attention_ops / 2;
  pipeline::save_rates(pipeline::machine_file(), gpus.empty() ? "" : gpus[0].name, rates);
  PlanRequest request;
  request.model.model = checkpoint_14b("distill_fp8");
  request.model.vram_bytes = 24 * kGiB;
  const auto denoise_s = [&](const char* precision) {
    request.model.precision = precision;
    return make_plan(request).stages[1].compute_s;
  };

  const double f16 = denoise_s("int8"), e4m3 = denoise_s("int8-fp8pv");

  // 40 blocks: q k^T and p v over 32,760 tokens of 5120 columns.
  EXPECT_NEAR(e4m3 - f16, 40 * 4.0 * 32760 * 32760 * 5120 / rates.attention_ops, 1e-3 * f16);
  before == nullptr ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", kept.c_str(), 1);
}

TEST(MakePlan, TellsTheTilesThatFramesAreBlendedFrom) {
  PlanRequest request;
  request.model.model = checkpoint_14b("distill_fp8");
  EXPECT_EQ(make_plan(request).stages.back().tiles, 1);
  request.model.vae_tiling = "blended";
  const Plan plan = make_plan(request);
  ASSERT_EQ(plan.stages.back().stage, "decode");
  EXPECT_EQ(plan.stages.back().tiles, 15);
  EXPECT_EQ(plan.stages.front().tiles, 1);
}

TEST(MakePlan, CountsAPromptThatIsGiven) {
  PlanRequest request;
  request.model.model = checkpoint_14b("distill_fp8");
  EXPECT_EQ(make_plan(request).prompt_tokens, 512);
  request.prompt = "a red ball";
  EXPECT_LT(make_plan(request).prompt_tokens, 40);
}

}  // namespace
}  // namespace reel
