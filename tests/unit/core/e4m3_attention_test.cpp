// SPDX-License-Identifier: Apache-2.0
#include "core/numerics/e4m3_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace reel::numerics {
namespace {

TEST(E4M3Attention, GivesEveryValueOfAHeadAPlaceOfItsOwn) {
  constexpr int64_t kKeys = 128;
  std::vector<int> taken(kKeys * 128);
  for (int64_t key = 0; key < kKeys; ++key) {
    for (int64_t channel = 0; channel < 128; ++channel) {
      const int64_t at = e4m3_value_at(key, channel);
      ASSERT_TRUE(at >= 0 && at < kKeys * 128) << at;
      ++taken[static_cast<size_t>(at)];
    }
  }
  for (const int times : taken) ASSERT_EQ(times, 1);
}

// Lane t of mma has the logits of keys 2 t, 2 t + 1 of each eight, and wants four values in a row.
TEST(E4M3Attention, OrdersKeysAsLanesHaveTheirWeights) {
  for (int64_t lane = 0; lane < 4; ++lane) {
    const int64_t first = e4m3_value_at(16 + 2 * lane, 5);
    EXPECT_EQ(first, (128 + 5) * 16 + 4 * lane);
    EXPECT_EQ(e4m3_value_at(16 + 2 * lane + 1, 5), first + 1);
    EXPECT_EQ(e4m3_value_at(16 + 2 * lane + 8, 5), first + 2);
    EXPECT_EQ(e4m3_value_at(16 + 2 * lane + 9, 5), first + 3);
  }
}

TEST(E4M3Attention, NoRunOfKeysLeavesF16) {
  const double weight = std::exp2(double{kE4M3WeightShift});
  EXPECT_EQ(f8_e4m3_to_float(float_to_f8_e4m3(static_cast<float>(weight))), 448.0f);
  const float value = f8_e4m3_to_float(float_to_f8_e4m3(kE4M3ValueMax));
  EXPECT_LT(kE4M3KeyRun * 448.0f * value, 65504.0f);
}

TEST(E4M3Attention, ScalesChannelsToTheLargestValue) {
  EXPECT_FLOAT_EQ(9.0f / e4m3_value_scale(9.0f), kE4M3ValueMax);
  EXPECT_GT(e4m3_value_scale(0), 0);
  EXPECT_TRUE(std::isnan(e4m3_value_scale(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace reel::numerics
