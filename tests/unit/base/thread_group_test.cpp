// SPDX-License-Identifier: Apache-2.0
#include "base/thread_group.h"

#include <gtest/gtest.h>

#include <atomic>

namespace reel {
namespace {

TEST(ThreadGroup, HasRunEveryBodyWhenItIsGone) {
  std::atomic<int> met{0};
  {
    ThreadGroup group;
    for (int thread = 0; thread < 3; ++thread) {
      group.start([&] {
        ++met;
        while (met < 3) {  // each needs the others: they run side by side
        }
      });
    }
  }
  EXPECT_EQ(met, 3);
}

}  // namespace
}  // namespace reel
