// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_folder.h"

namespace reel {
namespace {

// With a made-up /sys, whose cgroup has this quota and period in microseconds.
int cores_with(const std::string& cpu_max) {
  const test::TempFolder root;
  const std::filesystem::path group = root.path() / "sys/fs/cgroup";
  std::filesystem::create_directories(group);
  std::ofstream(group / "cpu.max") << cpu_max;
  return usable_cores(root.path());
}

TEST(UsableCores, AreThoseOfTheAffinityMaskWithoutAQuota) {
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);

  EXPECT_EQ(usable_cores(test::TempFolder().path()), CPU_COUNT(&mask));
  EXPECT_EQ(cores_with("max 100000\n"), CPU_COUNT(&mask));
  EXPECT_EQ(cores_with("9223372036854775807 1\n"), CPU_COUNT(&mask));
}

TEST(UsableCores, AreNoMoreThanTheQuotaOfTheCgroup) {
  EXPECT_EQ(cores_with("50000 100000\n"), 1);
  EXPECT_EQ(cores_with("100000 100000\n"), 1);
  EXPECT_EQ(cores_with("100001 100000\n"), std::min(2, usable_cores(test::TempFolder().path())));
}

TEST(UsableCores, IgnoreAQuotaThatIsNone) {
  const int without = usable_cores(test::TempFolder().path());

  for (const char* quota : {"", "0 100000\n", "-1 100000\n", "100000 0\n", "100000\n", "x y\n"}) {
    EXPECT_EQ(cores_with(quota), without) << '"' << quota << '"';
  }
}

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
