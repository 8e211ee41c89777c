// SPDX-License-Identifier: Apache-2.0
#include "pipeline/relative_error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace reel::pipeline {
namespace {

double error(const std::vector<float>& got, const std::vector<float>& want) {
  return relative_error(got, want);
}

TEST(RelativeError, IsTheNormOfTheDifferenceOverThatOfTheReference) {
  EXPECT_DOUBLE_EQ(error({3, 4, 0}, {3, 0, 4}), std::sqrt(32.0) / 5);
  EXPECT_EQ(error({1, 2}, {1, 2}), 0);
}

TEST(RelativeError, SumsInDouble) {
  // The sum of squares of so many ones is beyond what f32 counts.
  const std::vector<float> ones(20'000'000, 1.0f);
  std::vector<float> other = ones;
  other[0] = 2;
  EXPECT_DOUBLE_EQ(error(other, ones), std::sqrt(1 / 2e7));
}

TEST(RelativeError, TellsWhatIsNoNumberAndWhatNothingComparesWith) {
  EXPECT_EQ(error({0, 0}, {0, 0}), 0);
  EXPECT_TRUE(std::isinf(error({1, 0}, {0, 0})));
  EXPECT_TRUE(std::isnan(error({std::nanf(""), 0}, {1, 1})));
}

TEST(GeometricMean, IsTheRootOfTheProduct) {
  EXPECT_DOUBLE_EQ(geometric_mean(std::vector<double>{0.01, 0.04}), 0.02);
  EXPECT_DOUBLE_EQ(geometric_mean(std::vector<double>{3}), 3);
  EXPECT_EQ(geometric_mean(std::vector<double>{0.5, 0}), 0);
  EXPECT_TRUE(std::isnan(geometric_mean(std::vector<double>{1, std::nan("")})));
}

TEST(LargestRatio, IsOfPairsOfErrors) {
  const auto ratio = [](std::vector<double> errors, std::vector<double> of) {
    return largest_ratio(errors, of);
  };
  EXPECT_DOUBLE_EQ(ratio({0.1, 0.3, 0.2}, {0.4, 0.5, 0.8}), 0.6);
  EXPECT_TRUE(std::isinf(ratio({0.1, 0.1}, {0, 1})));
  EXPECT_TRUE(std::isnan(ratio({0, 0.1}, {0, 1})));
  EXPECT_TRUE(std::isnan(ratio({0.1, std::nan("")}, {1, 1})));
}

}  // namespace
}  // namespace reel::pipeline
