// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace reel::pipeline {
namespace {

using std::chrono::milliseconds;

// Waits until the watch has looked a few times more.
void wait_for_looks(const std::atomic<int>& looks) {
  const int enough = looks + 3;
  while (looks < enough) std::this_thread::sleep_for(milliseconds(1));
}

TEST(MemoryWatch, SeesWhatCameAndWentBetweenTwoCalls) {
  std::atomic<uint64_t> host{100}, gpu_free{1000};
  std::atomic<int> looks{0};
  MemoryWatch watch([&] { return std::optional<uint64_t>(host); },
                    [&] {
                      ++looks;
                      return std::optional<uint64_t>(gpu_free);
                    });

  host = 300;
  gpu_free = 700;
  wait_for_looks(looks);
  host = 200;
  gpu_free = 900;
  const MemoryWatch::Seen seen = watch.restart();

  EXPECT_EQ(seen.most_host_bytes, 300u);
  EXPECT_EQ(seen.least_gpu_free_bytes, 700u);
}

TEST(MemoryWatch, BeginsAnewAtARestart) {
  std::atomic<uint64_t> host{500};
  MemoryWatch watch([&] { return std::optional<uint64_t>(host); }, {});
  watch.restart();

  host = 20;
  watch.restart();  // a look of before may have come between
  const MemoryWatch::Seen seen = watch.restart();

  EXPECT_EQ(seen.most_host_bytes, 20u);
  EXPECT_FALSE(seen.least_gpu_free_bytes);
}

TEST(MemoryWatch, SeesNothingWhereNobodyTells) {
  MemoryWatch watch([] { return std::optional<uint64_t>(); }, {});

  EXPECT_FALSE(watch.restart().most_host_bytes);
}

}  // namespace
}  // namespace reel::pipeline
