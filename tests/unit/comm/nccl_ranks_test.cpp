// SPDX-License-Identifier: Apache-2.0
// Against a library that stands in for NCCL; a real one needs two GPUs.
#include "comm/nccl_ranks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "base/thread_group.h"
#include "support/expect_error.h"
#include "unit/comm/all_to_all_case.h"

namespace reel::comm {
namespace {

// body(communicator) for each rank on a thread of its own.
template <typename Body>
void on_threads(NcclRanks& group, int ranks, Body body) {
  ThreadGroup threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.start([&group, body, rank] { body(group.join(rank)); });
  }
}

TEST(NcclRanks, BringEveryPieceToItsRank) {
  for (const int ranks : {1, 2, 5}) {
    NcclRanks group(ranks, REEL_FAKE_NCCL);
    on_threads(group, ranks, [](Communicator& rank) {
      int submitted = 0;
      for (int round = 0; round < 20; ++round) {
        test::expect_every_piece(rank, round, {&submitted});
      }
      EXPECT_EQ(submitted > 0, rank.size() > 1) << "in the order of the stream";
    });
  }
}

TEST(NcclRanks, StopWaitingForARankThatGaveUp) {
  NcclRanks group(2, REEL_FAKE_NCCL);
  std::atomic<int> cancelled = 0;
  on_threads(group, 2, [&](Communicator& rank) {
    if (rank.rank() == 1) return rank.give_up();
    int number = 0;
    int submitted = 0;
    const std::vector<Piece> pieces{{}, {&number, sizeof number}};
    for (int round = 0; round < 2; ++round) {  // the second finds that it is over
      EXPECT_REEL_ERROR(rank.all_to_all(pieces, pieces, host_memory(), {&submitted}), kCancelled,
                        "Another rank of this clip gave up.");
      ++cancelled;
    }
  });
  EXPECT_EQ(cancelled, 2);
}

TEST(NcclRanks, SayInNcclsWordsWhatFailed) {
  setenv("FAKE_NCCL_FAILS_AT", "id", 1);
  EXPECT_REEL_ERROR(NcclRanks(2, REEL_FAKE_NCCL), kDeviceFailure,
                    "NCCL fails at making a group: unhandled system error.");
  unsetenv("FAKE_NCCL_FAILS_AT");
  NcclRanks group(1, REEL_FAKE_NCCL);
  Communicator& rank = group.join(0);
  setenv("FAKE_NCCL_FAILS_AT", "exchange", 1);
  const std::vector<Piece> nothing(1);
  EXPECT_REEL_ERROR(rank.all_to_all(nothing, nothing, host_memory(), {}), kDeviceFailure,
                    "NCCL fails at an exchange: unhandled system error.");
  unsetenv("FAKE_NCCL_FAILS_AT");
}

TEST(NcclRanks, NameALibraryThatIsMissingOrAnother) {
  EXPECT_REEL_ERROR(NcclRanks(2, "libnone.so.7"), kUnsupported,
                    "NCCL (\"libnone.so.7\") cannot be opened: ");
  EXPECT_REEL_ERROR(NcclRanks(2, "libc.so.6"), kUnsupported,
                    "NCCL (\"libc.so.6\") has no ncclGetUniqueId; 2.7 or newer is needed.");
}

}  // namespace
}  // namespace reel::comm
