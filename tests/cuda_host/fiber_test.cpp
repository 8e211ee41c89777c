// SPDX-License-Identifier: Apache-2.0
#include "cuda_host/fiber.h"

#include <gtest/gtest.h>

#include <vector>

namespace reel::cuda_host {
namespace {

constexpr size_t kStackBytes = 128 * 1024;

Fiber outside;
Fiber first(kStackBytes);
Fiber second(kStackBytes);
std::vector<int> steps;

TEST(FiberTest, GoesOnWhereItWasLeft) {
  steps.clear();
  first.restart([] {
    for (int i = 0; i < 3; ++i) {
      steps.push_back(i);
      Fiber::switch_to(first, second);
    }
    Fiber::switch_to(first, outside, true);
  });
  second.restart([] {
    for (int i = 10;; ++i) {
      steps.push_back(i);
      Fiber::switch_to(second, first);
    }
  });

  Fiber::switch_to(outside, first);

  EXPECT_EQ(steps, (std::vector<int>{0, 10, 1, 11, 2, 12}));
}

// More values than a function may keep in registers: all must survive a switch.
int sum_over_switches(Fiber& self, Fiber& other, int start) {
  int sums[12];
  for (int i = 0; i < 12; ++i) sums[i] = start * i;
  for (int round = 0; round < 100; ++round) {
    for (int& sum : sums) sum += round;
    Fiber::switch_to(self, other);
  }
  int total = 0;
  for (const int sum : sums) total += sum;
  return total;
}

int totals[2];

TEST(FiberTest, KeepsWhatAFunctionKeeps) {
  first.restart([] {
    totals[0] = sum_over_switches(first, second, 3);
    Fiber::switch_to(first, second, true);
  });
  second.restart([] {
    totals[1] = sum_over_switches(second, first, 5);
    Fiber::switch_to(second, outside, true);
  });

  Fiber::switch_to(outside, first);

  // 12 sums of 0 + ... + 99, and start * (0 + ... + 11)
  EXPECT_EQ(totals[0], 12 * 4950 + 3 * 66);
  EXPECT_EQ(totals[1], 12 * 4950 + 5 * 66);
}

TEST(FiberTest, CanBeAbandonedAndRestarted) {
  for (int i = 0; i < 3; ++i) {
    steps.clear();
    first.restart([] {
      volatile int deep[1000];
      deep[0] = 1;
      deep[999] = 1;
      steps.push_back(deep[0] + deep[999]);
      Fiber::switch_to(first, outside, true);
    });

    Fiber::switch_to(outside, first);

    EXPECT_EQ(steps, std::vector<int>{2});
  }
}

}  // namespace
}  // namespace reel::cuda_host
