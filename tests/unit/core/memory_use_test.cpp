// SPDX-License-Identifier: Apache-2.0
#include "core/memory_use.h"

#include <gtest/gtest.h>

namespace reel {
namespace {

TEST(MemoryUse, KnowsThePeakOfEachTagAndOfAll) {
  MemoryUse use;
  MemoryUse::Use& weights = use.take(100, "weights");
  MemoryUse::Use& early = use.take(50, "activations");
  use.give_back(100, weights);
  use.take(80, "activations");
  use.give_back(50, early);

  EXPECT_EQ(use.used_bytes(), 80u);
  EXPECT_EQ(use.peak_bytes(), 150u);
  EXPECT_EQ(use.by_tag().at("weights").peak_bytes, 100u);
  EXPECT_EQ(use.by_tag().at("weights").at_peak_bytes, 100u);
  EXPECT_EQ(use.by_tag().at("activations").peak_bytes, 130u);
  EXPECT_EQ(use.by_tag().at("activations").at_peak_bytes, 50u);
}

TEST(MemoryUse, CountsPeaksAnewFromARestart) {
  MemoryUse use;
  MemoryUse::Use& weights = use.take(100, "weights");
  MemoryUse::Use& stays = use.take(10, "stays");
  use.give_back(100, weights);

  use.restart_peaks();
  EXPECT_EQ(use.peak_bytes(), 10u);
  EXPECT_EQ(use.by_tag().at("weights").at_peak_bytes, 0u);
  use.give_back(10, stays);
  use.take(30, "weights");

  EXPECT_EQ(use.peak_bytes(), 30u);
  EXPECT_EQ(use.by_tag().at("stays").at_peak_bytes, 0u);
  EXPECT_EQ(use.by_tag().at("weights").at_peak_bytes, 30u);
}

}  // namespace
}  // namespace reel
