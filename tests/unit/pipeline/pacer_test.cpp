// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pacer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "support/fake_copy_engine.h"

namespace reel::pipeline {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kChunkFlops = 100;
constexpr int kCalls = 40;

class PacerTest : public testing::Test {
 protected:
  // A host submits `kCalls` calls of so many operations each while the stream `at` stands still.
  void expect_submitted(int expected, Stream at, int64_t flops) {
    std::atomic<bool> may_compute{false};
    std::atomic<int> submitted{0};
    Pacer pacer(engine_, compute_, kChunkFlops);
    std::thread host([&] {
      for (int call = 0; call < kCalls; ++call) {
        const int64_t ticket = pacer.begin(at);
        test::FakeCopyEngine::submit(at, [&] { may_compute.wait(false); });
        ++submitted;
        pacer.end(ticket, {.op = "linear", .flops = flops}, at);
      }
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (submitted < expected && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    std::this_thread::sleep_for(milliseconds(50));  // for one too many
    EXPECT_EQ(submitted, expected);
    may_compute = true;
    may_compute.notify_all();
    host.join();
    engine_.finish(at);
  }

  test::FakeCopyEngine engine_;
  const Stream compute_ = engine_.make_stream();
};

TEST_F(PacerTest, HostIsAtMostTwoChunksAhead) {
  expect_submitted(2, compute_, kChunkFlops);
  expect_submitted(8, compute_, kChunkFlops / 4);
}

TEST_F(PacerTest, ALargeCallIsAChunkOfItsOwn) { expect_submitted(2, compute_, 3 * kChunkFlops); }

TEST_F(PacerTest, OtherStreamsAndCallsWithoutProductsGoOn) {
  expect_submitted(kCalls, engine_.copy_stream(), kChunkFlops);
  expect_submitted(kCalls, compute_, 0);
}

}  // namespace
}  // namespace reel::pipeline
