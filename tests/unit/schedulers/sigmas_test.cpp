// SPDX-License-Identifier: Apache-2.0
#include "schedulers/sigmas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "support/expect_error.h"
#include "support/float_file.h"

namespace reel::schedulers {
namespace {

using testing::ElementsAre;

constexpr int kFourSteps[] = {1000, 750, 500, 250};

TEST(DistillStepList, DividesTheThousandEvenly) {
  EXPECT_THAT(distill_step_list(1), ElementsAre(1000));
  EXPECT_THAT(distill_step_list(2), ElementsAre(1000, 500));
  EXPECT_THAT(distill_step_list(3), ElementsAre(1000, 667, 333));
  EXPECT_THAT(distill_step_list(4), ElementsAre(1000, 750, 500, 250));
  EXPECT_THAT(distill_step_list(8), ElementsAre(1000, 875, 750, 625, 500, 375, 250, 125));
  EXPECT_EQ(distill_step_list(1000).back(), 1);
}

TEST(DistillStepList, RefusesNoStepsAndMoreThanThereAre) {
  EXPECT_REEL_ERROR(distill_step_list(0), kInvalidArgument, "steps is 0, must be 1 to 1000");
  EXPECT_REEL_ERROR(distill_step_list(1001), kInvalidArgument, "steps is 1001, must be 1 to 1000");
}

TEST(DistillLevels, AreExactAtShiftFive) {
  const NoiseLevels levels = distill_levels(kFourSteps, 5);

  EXPECT_THAT(levels.sigmas, ElementsAre(1.0f, 0.9375f, 0.8333333f, 0.625f, 0.0f));
  EXPECT_THAT(levels.timesteps, ElementsAre(1000.0f, 937.5f, 833.33331299f, 625.0f));
}

TEST(DistillLevels, AreExactAtShiftsThreeAndEight) {
  EXPECT_THAT(distill_levels(kFourSteps, 3).sigmas, ElementsAre(1.0f, 0.9f, 0.75f, 0.5f, 0.0f));
  EXPECT_THAT(distill_levels(kFourSteps, 8).sigmas,
              ElementsAre(1.0f, 0.96f, 0.8888889f, 0.72727275f, 0.0f));
}

TEST(DistillLevels, StandOnTheGridOfTorchLinspace) {
  std::vector<int> all(1000);
  std::iota(all.rbegin(), all.rend(), 1);
  const std::vector<float> wanted = test::read_floats("schedulers/falling_grid.f32");

  // With shift 1 sigma is s / (1 + 0 * s).
  EXPECT_EQ(distill_levels(all, 1).sigmas, wanted);
}

TEST(DistillLevels, NameTheEntryThatDoesNotFall) {
  EXPECT_REEL_ERROR(distill_levels(std::vector{1000, 500, 500}, 5), kInvalidArgument,
                    "has 500 at place 3, must be 1 to 499 there");
  EXPECT_REEL_ERROR(distill_levels(std::vector{1001}, 5), kInvalidArgument, "must be 1 to 1000");
  EXPECT_REEL_ERROR(distill_levels(std::vector{0}, 5), kInvalidArgument, "has 0 at place 1");
  EXPECT_REEL_ERROR(distill_levels({}, 5), kInvalidArgument, "The step list is empty");
  EXPECT_REEL_ERROR(distill_levels(kFourSteps, 0), kInvalidArgument, "shift is 0, must be above 0");
}

TEST(UniPcLevels, EqualTheTimestepsOfWan) {
  const std::pair<int, double> runs[] = {{1, 5}, {2, 5},  {3, 5},  {3, 1}, {4, 5},
                                         {4, 3}, {50, 5}, {50, 8}, {50, 3}};
  std::vector<float> got;
  for (const auto& [steps, shift] : runs) {
    const NoiseLevels levels = unipc_levels(steps, shift);
    got.insert(got.end(), levels.timesteps.begin(), levels.timesteps.end());
  }

  EXPECT_EQ(got, test::read_floats("schedulers/unipc_timesteps.f32"));
}

TEST(UniPcLevels, StartAndEndAsPublishedForFiftySteps) {
  const std::vector<float> five = unipc_levels(50, 5).timesteps;
  const std::vector<float> eight = unipc_levels(50, 8).timesteps;
  const std::vector<float> three = unipc_levels(50, 3).timesteps;
  const auto ends = [](const std::vector<float>& all) {
    std::vector<float> some(all.begin(), all.begin() + 6);
    some.insert(some.end(), all.end() - 4, all.end());
    return some;
  };

  EXPECT_THAT(ends(five), ElementsAre(999, 995, 991, 987, 982, 978, 302, 241, 172, 92));
  EXPECT_THAT(ends(eight), ElementsAre(999, 997, 994, 991, 989, 986, 409, 337, 249, 140));
  EXPECT_THAT(ends(three), ElementsAre(999, 992, 985, 978, 971, 963, 206, 160, 111, 57));
}

TEST(UniPcLevels, StopAtZero) {
  EXPECT_EQ(unipc_levels(2, 5).sigmas.size(), 3u);
  EXPECT_EQ(unipc_levels(2, 5).sigmas.back(), 0.0f);
  EXPECT_EQ(unipc_levels(1, 1).sigmas.front(), 0.9990000128746033f);
}

TEST(UniPcLevels, RefuseWhatIsNotANumberOfStepsOrAShift) {
  EXPECT_REEL_ERROR(unipc_levels(0, 5), kInvalidArgument, "steps is 0");
  EXPECT_REEL_ERROR(unipc_levels(4, -1), kInvalidArgument, "shift is -1");
}

}  // namespace
}  // namespace reel::schedulers
