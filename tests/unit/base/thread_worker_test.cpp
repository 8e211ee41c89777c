// SPDX-License-Identifier: Apache-2.0
#include "base/thread_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "base/error.h"
#include "support/expect_error.h"

namespace reel {
namespace {

TEST(ThreadWorker, RunsJobsInOrder) {
  ThreadWorker worker(2);
  std::vector<int> ran;
  for (int job = 0; job < 100; ++job) {
    worker.submit([&ran, job] { ran.push_back(job); });
  }
  worker.wait();

  ASSERT_EQ(ran.size(), 100u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST(ThreadWorker, HoldsTheCallerBackWhenTooManyJobsWait) {
  ThreadWorker worker(2);
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  std::atomic<int> submitted{0};

  std::thread caller([&] {
    for (int job = 0; job < 6; ++job) {
      worker.submit([opened] { opened.wait(); });
      ++submitted;
    }
  });
  // One runs and two wait; the fourth has to stay outside however long this takes.
  while (submitted < 3) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const int before_opening = submitted;
  gate.set_value();
  caller.join();

  EXPECT_EQ(before_opening, 3);
  EXPECT_EQ(submitted, 6);
}

TEST(ThreadWorker, RethrowsTheErrorOfAJobFromThenOn) {
  ThreadWorker worker(2);
  bool ran = false;
  worker.submit([] { fail(ErrorCode::kIo, "the disk is full"); });

  EXPECT_REEL_ERROR(worker.wait(), kIo, "the disk is full");
  EXPECT_REEL_ERROR(worker.submit([&] { ran = true; }), kIo, "the disk is full");
  EXPECT_REEL_ERROR(worker.wait(), kIo, "the disk is full");
  EXPECT_FALSE(ran);
}

TEST(ThreadWorker, DropsWaitingJobsWhenDestroyed) {
  std::atomic<int> ran{0};
  {
    ThreadWorker worker(10);
    std::promise<void> started;
    worker.submit([&] {
      started.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++ran;
    });
    started.get_future().wait();
    for (int job = 0; job < 5; ++job) worker.submit([&] { ++ran; });
  }

  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace reel
