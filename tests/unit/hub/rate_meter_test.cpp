// SPDX-License-Identifier: Apache-2.0
#include "hub/rate_meter.h"

#include <gtest/gtest.h>

namespace reel::hub {
namespace {

TEST(RateMeter, TellsNothingAtFirst) {
  RateMeter meter;
  EXPECT_EQ(meter.bytes_per_second(), 0);
  EXPECT_LT(meter.seconds_for(10), 0);
  meter.add(0, 0);
  meter.add(0.1, 1000);
  EXPECT_EQ(meter.bytes_per_second(), 0);
}

TEST(RateMeter, ForgetsHowFastItWas) {
  RateMeter meter;
  uint64_t bytes = 0;
  for (int tick = 0; tick <= 100; ++tick) meter.add(0.1 * tick, bytes += 1000);
  EXPECT_NEAR(meter.bytes_per_second(), 10'000, 200);
  for (int tick = 101; tick <= 250; ++tick) meter.add(0.1 * tick, bytes += 100);
  EXPECT_NEAR(meter.bytes_per_second(), 1000, 20);
  EXPECT_NEAR(meter.seconds_for(5000), 5, 0.1);
  for (int tick = 251; tick <= 400; ++tick) meter.add(0.1 * tick, bytes);
  EXPECT_LT(meter.seconds_for(5000), 0);
}

}  // namespace
}  // namespace reel::hub
