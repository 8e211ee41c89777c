// SPDX-License-Identifier: Apache-2.0
#include "server/fair_queue.h"

#include <gtest/gtest.h>

#include <random>

namespace reel::server {
namespace {

std::vector<int64_t> pop_all(FairQueue queue) {
  std::vector<int64_t> popped;
  while (const std::optional<int64_t> next = queue.pop()) popped.push_back(*next);
  return popped;
}

TEST(FairQueue, LetsClientsTakeTurns) {
  FairQueue queue;
  for (const int64_t job : {1, 2, 3}) queue.push("greedy", job);
  queue.push("modest", 4);
  queue.push("late", 5);
  queue.push("modest", 6);

  EXPECT_EQ(pop_all(queue), (std::vector<int64_t>{1, 4, 5, 2, 6, 3}));
}

TEST(FairQueue, PutsAClientThatComesBackBehindTheOthers) {
  FairQueue queue;
  queue.push("a", 1);
  queue.push("b", 2);
  queue.push("b", 3);
  ASSERT_EQ(queue.pop(), 1);

  queue.push("a", 4);

  EXPECT_EQ(pop_all(queue), (std::vector<int64_t>{2, 4, 3}));
}

TEST(FairQueue, RemovesWhatWaitsAndNothingElse) {
  FairQueue queue;
  queue.push("a", 1);
  queue.push("a", 2);
  queue.push("b", 3);

  EXPECT_TRUE(queue.remove(1));
  EXPECT_TRUE(queue.remove(3));
  EXPECT_FALSE(queue.remove(3));
  EXPECT_FALSE(queue.remove(9));

  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(pop_all(queue), (std::vector<int64_t>{2}));
}

TEST(FairQueue, TellsTheOrderThatPoppingGives) {
  std::mt19937 random(5);
  FairQueue queue;
  for (int64_t job = 1; job <= 200; ++job) {
    queue.push(std::string(1, static_cast<char>('a' + random() % 7)), job);
    if (random() % 3 == 0) queue.pop();
    ASSERT_EQ(queue.order(), pop_all(queue)) << "after job " << job;
  }
}

}  // namespace
}  // namespace reel::server
