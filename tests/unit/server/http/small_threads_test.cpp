// SPDX-License-Identifier: Apache-2.0
#include "server/http/small_threads.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <future>
#include <thread>

namespace reel::server {
namespace {

TEST(SmallThreads, RunsAsManyAtOnceAsItWasTold) {
  SmallThreads threads(3, 1);
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  std::atomic<int> ran{0};
  const auto task = [&ran, open] {
    open.wait();
    ++ran;
  };

  for (int at = 0; at < 3; ++at) EXPECT_TRUE(threads.submit(task));
  while (threads.busy() < 3) std::this_thread::yield();
  EXPECT_TRUE(threads.submit(task)) << "one may wait";
  EXPECT_FALSE(threads.submit(task));

  gate.set_value();
  while (ran < 4) std::this_thread::yield();
  while (threads.busy() > 0) std::this_thread::yield();
  EXPECT_TRUE(threads.submit(task));
}

TEST(SmallThreads, TakesNothingOnceStopped) {
  SmallThreads threads(2, 10);
  std::atomic<bool> ran{false};
  threads.submit([&] { ran = true; });
  while (!ran) std::this_thread::yield();

  threads.stop();

  EXPECT_FALSE(threads.submit([] {}));
  threads.stop();
}

TEST(SmallThreads, HaveSmallStacks) {
  SmallThreads threads(1, 0);
  std::promise<size_t> told;

  threads.submit([&] {
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    size_t stack_bytes = 0;
    pthread_attr_getstacksize(&attributes, &stack_bytes);
    pthread_attr_destroy(&attributes);
    told.set_value(stack_bytes);
  });

  EXPECT_LE(told.get_future().get(), size_t{1} << 20);
}

}  // namespace
}  // namespace reel::server
