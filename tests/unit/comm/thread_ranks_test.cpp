// SPDX-License-Identifier: Apache-2.0
#include "comm/thread_ranks.h"

#include <gtest/gtest.h>

#include <atomic>

#include "support/expect_error.h"
#include "support/run_ranks.h"

namespace reel::comm {
namespace {

using test::run_ranks;

// Rank a sends (2 a + b) % 5 numbers to rank b, each 100 a + 10 b + round.
size_t count_of(int from, int to) { return static_cast<size_t>((2 * from + to) % 5); }

std::vector<Piece> pieces_of(std::vector<std::vector<int>>& numbers) {
  std::vector<Piece> pieces;
  for (std::vector<int>& one : numbers) pieces.push_back({one.data(), one.size() * sizeof(int)});
  return pieces;
}

class AllToAll : public testing::TestWithParam<int> {};

TEST_P(AllToAll, BringsEveryPieceToItsRankRoundAfterRound) {
  run_ranks(GetParam(), [](Communicator& ranks) {
    const int me = ranks.rank();
    for (int round = 0; round < 50; ++round) {
      std::vector<std::vector<int>> sent;
      std::vector<std::vector<int>> got;
      for (int other = 0; other < ranks.size(); ++other) {
        sent.emplace_back(count_of(me, other), 100 * me + 10 * other + round);
        got.emplace_back(count_of(other, me), -1);
      }
      ranks.all_to_all(pieces_of(sent), pieces_of(got), host_memory(), {});
      for (auto& numbers : sent) std::fill(numbers.begin(), numbers.end(), -2);
      for (int other = 0; other < ranks.size(); ++other) {
        const std::vector<int> want(count_of(other, me), 100 * other + 10 * me + round);
        ASSERT_EQ(got[static_cast<size_t>(other)], want) << "from " << other << " to " << me;
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, AllToAll, testing::Values(1, 2, 3, 8),
                         [](const auto& tested) { return std::to_string(tested.param); });

TEST(ThreadRanks, RefuseWhatTheOtherRankDoesNotExpect) {
  EXPECT_REEL_ERROR(run_ranks(2,
                              [](Communicator& ranks) {
                                int number = 0;
                                const std::vector<Piece> one(2, {&number, sizeof number});
                                std::vector<Piece> two = one;
                                if (ranks.rank() == 0) two[1].size_bytes = 3;
                                ranks.all_to_all(one, two, host_memory(), {});
                              }),
                    kInternal, "Rank 1 sends 4 bytes to rank 0, which expects 3.");
}

TEST(ThreadRanks, StopWaitingForARankThatGaveUp) {
  std::atomic<int> cancelled = 0;
  run_ranks(3, [&](Communicator& ranks) {
    if (ranks.rank() == 1) return ranks.give_up();
    const std::vector<Piece> nothing(3);
    EXPECT_REEL_ERROR(ranks.all_to_all(nothing, nothing, host_memory(), {}), kCancelled,
                      "Another rank of this clip gave up.");
    ++cancelled;
  });
  EXPECT_EQ(cancelled, 2);
}

}  // namespace
}  // namespace reel::comm
