// SPDX-License-Identifier: Apache-2.0
// Every process of an MPI job runs all of these. A program of its own: it joins the job first.
#include "comm/mpi/mpi_ranks.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/backend.h"
#include "models/wan_dit/split_attention.h"
#include "support/expect_error.h"
#include "unit/comm/all_to_all_case.h"
#include "unit/models/wan_dit/attention_problem.h"

namespace reel::comm {
namespace {

MpiRanks* job = nullptr;

TEST(MpiRanks, AreAsManyAsWereStarted) { EXPECT_EQ(job->own().size(), REEL_MPI_RANKS); }

TEST(MpiRanks, BringEveryPieceToItsRankRoundAfterRound) {
  for (int round = 0; round < 50; ++round) test::expect_every_piece(job->own(), round);
}

TEST(MpiRanks, RefuseWhatTheOtherRankDoesNotExpect) {
  int number = 0;
  const std::vector<Piece> one(REEL_MPI_RANKS, {&number, 2});
  std::vector<int> got(REEL_MPI_RANKS);
  std::vector<Piece> room;
  for (int& to : got) room.push_back({&to, 3});
  EXPECT_REEL_ERROR(job->own().all_to_all(one, room, host_memory(), {}), kInternal,
                    "sends 2 bytes to rank");
}

TEST(MpiRanks, AttendAsOneRank) {
  constexpr int64_t kTokens = 91;
  constexpr int64_t kHeads = 4;
  const test::AttentionProblem problem(kTokens, kHeads, DType::kF32);
  for (const bool int8 : {false, true}) {
    Arena arena{"test"};
    const StopFlag stop;
    ops::Context ctx{
        .kernels = cpu::reference_kernels(), .arena = arena, .stop = stop, .int8_attention = int8};
    const Tensor want = problem.x();
    wan_dit::self_attention(ctx, problem.weights(), problem.modulation(), problem.rope(), want);
    const Tensor got = problem.x();
    const nn::SequenceParallel split(job->own(), kTokens, kHeads, wan_dit::kHeadDim);
    const nn::Share rows = split.rows();

    wan_dit::split_self_attention(ctx, problem.weights(), problem.modulation(), problem.rope(),
                                  split, got.view().slice(rows.begin, rows.count));

    const TensorView own = got.view().slice(rows.begin, rows.count);
    EXPECT_EQ(std::memcmp(own.data, want.view().slice(rows.begin, rows.count).data,
                          static_cast<size_t>(own.size_bytes())),
              0);
  }
}

}  // namespace
}  // namespace reel::comm

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  reel::comm::MpiRanks joined;
  reel::comm::job = &joined;
  return RUN_ALL_TESTS();
}
