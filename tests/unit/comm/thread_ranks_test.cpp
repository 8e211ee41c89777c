// SPDX-License-Identifier: Apache-2.0
#include "comm/thread_ranks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/thread_group.h"
#include "support/expect_error.h"
#include "support/run_ranks.h"
#include "unit/comm/all_to_all_case.h"

namespace reel::comm {
namespace {

using test::run_ranks;

class AllToAll : public testing::TestWithParam<int> {};

TEST_P(AllToAll, BringsEveryPieceToItsRankRoundAfterRound) {
  run_ranks(GetParam(), [](Communicator& ranks) {
    for (int round = 0; round < 50; ++round) test::expect_every_piece(ranks, round);
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

TEST(ThreadRanks, TakeTurnsFromExchangeToExchange) {
  ThreadRanks ranks(3);
  std::atomic<int> at_work = 0;
  ThreadGroup threads;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    threads.start([&, rank] {
      ranks.in_turn([&] {
        for (int round = 0; round < 30; ++round) {
          EXPECT_EQ(++at_work, 1);
          std::this_thread::yield();
          --at_work;
          test::expect_every_piece(ranks.rank(rank), round);
        }
      });
    });
  }
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
