// SPDX-License-Identifier: Apache-2.0
#include "memory/budget.h"

#include <gtest/gtest.h>

#include "base/byte_units.h"

namespace reel::memory {
namespace {

Machine with_free(uint64_t bytes) {
  Machine machine;
  machine.gpu_free_bytes = bytes;
  return machine;
}

TEST(GpuCap, LeavesASmallCard800MiBOrSoAndALargeOneEightPercent) {
  EXPECT_NEAR(static_cast<double>(gpu_cap_bytes({.card_bytes = 8 * kGiB}, {})) / kGiB, 7.2, 1e-6);
  // 8 % of 12 GiB are 0.96.
  EXPECT_NEAR(static_cast<double>(gpu_cap_bytes({.card_bytes = 12 * kGiB}, {})) / kGiB, 11.04,
              1e-6);
}

TEST(GpuCap, IsNeverMoreThanWhatIsFreeLessAMargin) {
  EXPECT_EQ(gpu_cap_bytes({}, with_free(6 * kGiB)), 6 * kGiB - 256 * kMiB);
  EXPECT_EQ(gpu_cap_bytes({.card_bytes = 12 * kGiB}, with_free(6 * kGiB)), 6 * kGiB - 256 * kMiB);
  EXPECT_LT(gpu_cap_bytes({.card_bytes = 8 * kGiB}, with_free(100 * kGiB)), 8 * kGiB);
}

TEST(GpuCap, OfACardSmallerThanItsReserveIsNothing) {
  EXPECT_EQ(gpu_cap_bytes({.card_bytes = kGiB / 2}, {}), 0u);
  EXPECT_EQ(gpu_cap_bytes({}, with_free(kMiB)), 0u);
  EXPECT_EQ(gpu_cap_bytes({}, {}), 0u);
}

TEST(CardFor, IsACardWithThatCap) {
  for (const uint64_t cap : {kGiB, 5 * kGiB, 9 * kGiB + 12345, 10 * kGiB, 70 * kGiB}) {
    const uint64_t card = card_bytes_for(cap);
    EXPECT_GE(gpu_cap_bytes({.card_bytes = card}, {}), cap);
    EXPECT_LT(gpu_cap_bytes({.card_bytes = card - kMiB}, {}), cap);
  }
}

TEST(AssumedMachine, IsTheReferenceCardWhereTheNameIsUnknown) {
  EXPECT_EQ(assumed_machine("NVIDIA H200").gpu, "H200");
  EXPECT_EQ(assumed_machine("Voodoo 3").gpu, "RTX 4070");
  EXPECT_TRUE(assumed_machine("NVIDIA H200").is_assumed);
}

TEST(AssumedMachine, RunsEveryLaunchWithinATenthOfASecond) {
  const Machine card = assumed_machine("RTX 4070");
  const auto most = static_cast<double>(card.most_flops_per_call);

  EXPECT_LT(most / card.rates.attention_ops, 0.1);
  EXPECT_LT(most / card.rates.int8_ops, 0.1);
  // Attention in 16 bits takes half as much a launch; its products are cut by rows before that.
  EXPECT_LT(most / 2 / card.rates.wide_ops, 0.1);
}

}  // namespace
}  // namespace reel::memory
