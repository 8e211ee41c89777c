// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eval/run_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/eval/paths.h"
#include "unit/pipeline/tiny_dit.h"

namespace reel::pipeline {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::SizeIs;

class RunPath : public test::TinyDit {
 protected:
  EvalScene scene(int count = 1) {
    return {.model = *model_,
            .settings = settings_,
            .prompts = prompts_,
            .count = count,
            .on_part = [](double) {}};
  }
};

TEST_F(RunPath, FindsNoErrorInTheExactPath) {
  Runtime runtime(options_, stop_);
  const ExactRuns exact = run_exact(scene(), runtime);
  ASSERT_THAT(exact.outputs, SizeIs(3));

  const PathErrors errors = run_path(scene(), runtime, kExactNumbers, exact);

  EXPECT_THAT(errors.local, testing::AllOf(SizeIs(3), Each(0.0)));
  EXPECT_THAT(errors.accumulated, testing::AllOf(SizeIs(3), Each(0.0)));
  EXPECT_THAT(errors.velocity, ElementsAre(0));
  EXPECT_THAT(errors.latents, ElementsAre(0));
}

TEST_F(RunPath, GivesEveryBlockTheExactInputForItsLocalError) {
  Runtime runtime(options_, stop_);
  ExactRuns exact = run_exact(scene(), runtime);
  // A second block that gives something else: its own error is seen, and where the exact input is
  // given to the next block, that one's too; what a path computes by itself is as before.
  for (float& value : exact.outputs[1].values<float>()) value *= 2;

  const PathErrors errors = run_path(scene(), runtime, kExactNumbers, exact);

  EXPECT_EQ(errors.local[0], 0);
  EXPECT_DOUBLE_EQ(errors.local[1], 0.5);
  EXPECT_GT(errors.local[2], 0.1);
  EXPECT_EQ(errors.accumulated[0], 0);
  EXPECT_DOUBLE_EQ(errors.accumulated[1], 0.5);
  EXPECT_EQ(errors.accumulated[2], 0);
  EXPECT_THAT(errors.velocity, ElementsAre(0));
}

TEST_F(RunPath, AddsUpTheErrorsOfFp8) {
  Runtime runtime(options_, stop_);
  const ExactRuns exact = run_exact(scene(), runtime);
  const Numbers fp8{.precision = {.compute = DType::kF32, .matrices = DType::kF8E4M3}};

  const PathErrors errors = run_path(scene(), runtime, fp8, exact);

  EXPECT_EQ(errors.local[0], errors.accumulated[0]);  // both begin alike
  EXPECT_GT(errors.local[0], 1e-4);
  EXPECT_GT(errors.accumulated[2], errors.local[2]);
  EXPECT_GT(errors.velocity.at(0), 1e-3);
  EXPECT_LT(errors.velocity.at(0), 0.3);
}

TEST_F(RunPath, HasTheErrorsOfRunsWithSeedsThatFollow) {
  Runtime runtime(options_, stop_);
  const Numbers fp8{.precision = {.compute = DType::kF32, .matrices = DType::kF8E4M3}};
  const auto errors_of = [&](uint64_t seed, int count) {
    settings_.seed = seed;
    return run_path(scene(count), runtime, fp8, run_exact(scene(count), runtime));
  };

  const PathErrors first = errors_of(1, 1);
  const PathErrors second = errors_of(2, 1);
  const PathErrors both = errors_of(1, 2);

  ASSERT_THAT(both.latents, SizeIs(2));
  EXPECT_NE(first.latents, second.latents);
  EXPECT_EQ(both.local, first.local);
  EXPECT_EQ(both.accumulated, first.accumulated);
  EXPECT_THAT(both.latents, ElementsAre(first.latents.at(0), second.latents.at(0)));
  EXPECT_THAT(both.velocity, ElementsAre(first.velocity.at(0), second.velocity.at(0)));
}

}  // namespace
}  // namespace reel::pipeline
