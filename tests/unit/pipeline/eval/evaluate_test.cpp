// SPDX-License-Identifier: Apache-2.0
// The whole evaluation, through the public header.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/eval.h>
#include <reel/synth.h>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

using testing::SizeIs;

class Evaluate : public testing::Test {
 protected:
  Evaluate() {
    request_.model.model = folder_ / "model";
    request_.model.device = "cpu";
    request_.sampling.width_px = 32;
    request_.sampling.height_px = 48;
    request_.sampling.frames = 5;
    request_.count = 2;
    synthesize({.layout = "bf16",
                .preset = "tiny",
                .out = request_.model.model,
                .seed = 8,
                .dim = 256,
                .layers = 4});
  }

  test::TempFolder folder_;
  EvalRequest request_;
  Progress progress_;
};

TEST_F(Evaluate, ComparesEveryPathBlockByBlock) {
  const EvalReport report = evaluate(request_, progress_);

  EXPECT_EQ(report.tokens, 2 * 3 * 2);
  EXPECT_EQ(report.layers, 4);
  EXPECT_EQ(report.steps, 4);
  ASSERT_GE(report.paths.size(), 2u);
  const EvalPath& fp8 = report.paths.back();
  EXPECT_EQ(fp8.name, "fp8");
  EXPECT_FALSE(fp8.velocity_of_fp8.has_value());
  for (const EvalPath& path : report.paths) {
    EXPECT_THAT(path.local, SizeIs(4)) << path.name;
    EXPECT_THAT(path.accumulated, SizeIs(4)) << path.name;
    for (const double error : path.local) EXPECT_GT(error, 0) << path.name;
    EXPECT_GT(path.latents, 0) << path.name;
    if (path.velocity_of_fp8) {
      // The largest of two ratios, which is no less than their mean.
      EXPECT_GT(*path.velocity_of_fp8, path.velocity / fp8.velocity);
      EXPECT_DOUBLE_EQ(*path.latents_of_fp8, path.latents / fp8.latents);
    }
  }
  const EvalPath& int8 = report.paths.front();
  EXPECT_TRUE(int8.has_limit);
  EXPECT_TRUE(int8.is_within()) << *int8.velocity_of_fp8 << ' ' << *int8.latents_of_fp8;
  EXPECT_TRUE(report.is_within());
}

TEST_F(Evaluate, GivesTheSameNumbersAgain) {
  request_.model.precision = "fp8";
  const EvalReport first = evaluate(request_, progress_);
  const EvalReport second = evaluate(request_, progress_);

  ASSERT_THAT(first.paths, SizeIs(1));
  EXPECT_EQ(first.paths[0].local, second.paths[0].local);
  EXPECT_EQ(first.paths[0].latents, second.paths[0].latents);
}

TEST_F(Evaluate, StopsAfterTheBlocksAskedFor) {
  request_.model.precision = "fp8";
  const EvalReport whole = evaluate(request_, progress_);
  request_.layers = 2;
  const EvalReport part = evaluate(request_, progress_);

  EXPECT_EQ(part.layers, 2);
  EXPECT_EQ(part.model_layers, 4);
  ASSERT_THAT(part.paths[0].local, SizeIs(2));
  EXPECT_EQ(part.paths[0].local[1], whole.paths[0].local[1]);
  request_.layers = 5;
  EXPECT_REEL_ERROR(evaluate(request_, progress_), kInvalidArgument,
                    "layers is 5; this model has 4.");
}

TEST_F(Evaluate, WantsARun) {
  request_.count = 0;
  EXPECT_REEL_ERROR(evaluate(request_, progress_), kInvalidArgument, "count is 0; 1 to 1000");
}

TEST_F(Evaluate, RefusesWhatTheHostCannotHold) {
  request_.sampling.width_px = 16000;
  request_.sampling.height_px = 16000;
  request_.sampling.frames = 4001;
  EXPECT_REEL_ERROR(evaluate(request_, progress_), kOutOfMemory,
                    "The exact outputs of 4 blocks take ");
}

TEST(EvalPath, IsWithinWhenBothErrorsAre) {
  EvalPath path{.velocity_of_fp8 = 0.7, .latents_of_fp8 = 0.75, .has_limit = true};
  EXPECT_TRUE(path.is_within());
  path.latents_of_fp8 = 0.76;
  EXPECT_FALSE(path.is_within());
  path.has_limit = false;
  EXPECT_TRUE(path.is_within());
  path = {.velocity_of_fp8 = 0.0 / 0.0, .latents_of_fp8 = 0.5, .has_limit = true};
  EXPECT_FALSE(path.is_within());
}

}  // namespace
}  // namespace reel
