// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace reel {
namespace {

TEST(ParallelFor, VisitsEveryElementOnce) {
  set_compute_threads(4);
  for (const int64_t count : {0, 1, 31, 32, 33, 1009}) {
    std::vector<std::atomic<int>> visits(static_cast<size_t>(count));

    parallel_for(count, 7, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; ++at) ++visits[static_cast<size_t>(at)];
    });

    for (const auto& visit : visits) EXPECT_EQ(visit.load(), 1);
  }
}

TEST(ParallelFor, RethrowsTheErrorOfABody) {
  set_compute_threads(4);
  const auto throws = [](int64_t, int64_t) { throw std::runtime_error("from a worker"); };

  EXPECT_THROW(parallel_for(100, 1, throws), std::runtime_error);
  // The pool still works afterwards.
  std::atomic<int64_t> sum{0};
  parallel_for(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
  EXPECT_EQ(sum.load(), 100);
}

TEST(ParallelFor, RunsNestedCallsInline) {
  set_compute_threads(4);
  std::atomic<int64_t> sum{0};

  parallel_for(8, 1, [&](int64_t begin, int64_t end) {
    for (int64_t outer = begin; outer < end; ++outer) {
      parallel_for(10, 1, [&](int64_t from, int64_t to) { sum += to - from; });
    }
  });

  EXPECT_EQ(sum.load(), 80);
}

// Short pauses meet threads that still spin, long ones meet threads that sleep.
TEST(ParallelFor, StartsAgainAfterEveryPause) {
  for (const int threads : {std::min(2, usable_cores()), 4}) {
    set_compute_threads(threads);
    for (int call = 0; call < 400; ++call) {
      std::atomic<int64_t> sum{0};
      parallel_for(9, 1, [&](int64_t begin, int64_t end) {
        for (int64_t at = begin; at < end; ++at) sum += at;
      });
      ASSERT_EQ(sum.load(), 36) << threads << " threads, call " << call;
      if (call % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(call));
    }
  }
}

}  // namespace
}  // namespace reel
