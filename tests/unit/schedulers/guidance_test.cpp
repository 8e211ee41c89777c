// SPDX-License-Identifier: Apache-2.0
#include "schedulers/guidance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/expect_error.h"

namespace reel::schedulers {
namespace {

TEST(Guidance, MovesFromTheUnconditionalAnswer) {
  const std::vector<float> conditional{3, 1};
  std::vector<float> unconditional{1, 2};

  apply_guidance(conditional, unconditional, 5, unconditional);

  // 1 + 5 * (3 - 1) and 2 + 5 * (1 - 2)
  EXPECT_THAT(unconditional, testing::ElementsAre(11, -3));
}

TEST(Guidance, NamesTheSizesThatDiffer) {
  const std::vector<float> three(3);
  std::vector<float> two(2);
  EXPECT_REEL_ERROR(apply_guidance(three, two, 5, two), kInvalidArgument,
                    "the two answers have 3 and 2 elements and the result 2");
}

}  // namespace
}  // namespace reel::schedulers
