// SPDX-License-Identifier: Apache-2.0
#include "pipeline/peers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "pipeline/runtime.h"
#include "support/expect_error.h"

namespace reel::pipeline {
namespace {

class PeersTest : public testing::Test {
 protected:
  PeersTest() {
    options_.device = "cpu,cpu,cpu";
    options_.ram_bytes = 3 << 20;
    runtime_ = Runtime::on_all_devices(options_, stop_);
  }

  Peers& peers() { return *runtime_->peers(); }
  // What a rank does that waits for the others.
  static void meet(comm::Communicator& ranks) {
    const std::vector<comm::Piece> nothing(static_cast<size_t>(ranks.size()));
    ranks.all_to_all(nothing, nothing, host_memory(), {});
  }

  ModelOptions options_;
  StopFlag stop_;
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(PeersTest, AreOneForEachFurtherDeviceAndShareTheHostsMemory) {
  EXPECT_EQ(peers().ranks(), 3);
  EXPECT_EQ(runtime_->device_name(), "cpu, cpu, cpu");
  EXPECT_EQ(runtime_->weight_budget_bytes(), 1u << 20);
  std::atomic<int> seen = 0;
  peers().together([] {},
                   [&](const Peer& peer) {
                     EXPECT_EQ(peer.runtime.weight_budget_bytes(), 1u << 20);
                     EXPECT_EQ(peer.runtime.peers(), nullptr);
                     seen += peer.rank;
                   });
  EXPECT_EQ(seen, 3);
}

TEST_F(PeersTest, AreNotMadeAfterAStop) {
  stop_.request();
  EXPECT_REEL_ERROR(Runtime::on_all_devices(options_, stop_), kCancelled, "Stopped");
}

TEST_F(PeersTest, RunAtTheSameTimeOnThreadsOfTheirOwn) {
  for (int round = 0; round < 3; ++round) {
    const auto own = std::this_thread::get_id();
    peers().together(
        [&] {
          EXPECT_EQ(std::this_thread::get_id(), own);
          meet(peers().own_rank());
        },
        [&](const Peer& peer) {
          EXPECT_NE(std::this_thread::get_id(), own);
          meet(peer.ranks);
        });
  }
}

TEST_F(PeersTest, StopWhenOneFailsAndSayWhy) {
  EXPECT_REEL_ERROR(peers().together([&] { meet(peers().own_rank()); },
                                     [](const Peer& peer) {
                                       if (peer.rank == 2) fail(ErrorCode::kOutOfMemory, "Full.");
                                       meet(peer.ranks);
                                     }),
                    kOutOfMemory, "Full.");
}

TEST_F(PeersTest, StopWithTheirOwner) {
  std::atomic<int> stopped = 0;
  EXPECT_REEL_ERROR(peers().together([] { fail(ErrorCode::kCancelled, "Stopped as asked."); },
                                     [&](const Peer& peer) {
                                       EXPECT_REEL_ERROR(meet(peer.ranks), kCancelled,
                                                         "Another rank of this clip gave up.");
                                       stopped += peer.runtime.stop().requested() ? 1 : 0;
                                     }),
                    kCancelled, "Stopped as asked.");
  EXPECT_EQ(stopped, 2);
}

}  // namespace
}  // namespace reel::pipeline
