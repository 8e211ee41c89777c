// SPDX-License-Identifier: Apache-2.0
#include "server/http/small_threads.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace reel::server {
namespace {

// The deepest is a 64 KiB piece of a file on its way.
constexpr size_t kStackBytes = size_t{512} << 10;

}  // namespace

struct SmallThreads::Impl {
  size_t most_threads, most_waiting;
  mutable std::mutex mutex;
  std::condition_variable there;
  std::deque<std::function<void()>> tasks;
  std::vector<pthread_t> threads;
  size_t busy = 0;
  bool ends = false;

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      there.wait(lock, [this] { return ends || !tasks.empty(); });
      if (ends) return;
      const std::function<void()> task = std::move(tasks.front());
      tasks.pop_front();
      ++busy;
      lock.unlock();
      task();
      lock.lock();
      --busy;
    }
  }

  bool start_thread() {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setstacksize(&attributes, kStackBytes);
    pthread_t thread{};
    const auto body = [](void* impl) -> void* {
      static_cast<Impl*>(impl)->work();
      return nullptr;
    };
    const bool is_started = pthread_create(&thread, &attributes, body, this) == 0;
    pthread_attr_destroy(&attributes);
    if (is_started) threads.push_back(thread);
    return is_started;
  }
};

SmallThreads::SmallThreads(size_t most_threads, size_t most_waiting)
    : impl_(std::make_unique<Impl>()) {
  impl_->most_threads = most_threads;
  impl_->most_waiting = most_waiting;
}

SmallThreads::~SmallThreads() { stop(); }

void SmallThreads::stop() {
  std::vector<pthread_t> threads;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ends = true;
    impl_->tasks.clear();
    threads.swap(impl_->threads);
  }
  impl_->there.notify_all();
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

bool SmallThreads::submit(std::function<void()> task) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->ends) return false;
  const size_t idle = impl_->threads.size() - impl_->busy;
  if (impl_->tasks.size() >= idle) {
    const bool may_start = impl_->threads.size() < impl_->most_threads;
    const bool is_started = may_start && impl_->start_thread();
    if (!is_started &&
        (impl_->threads.empty() || impl_->tasks.size() >= idle + impl_->most_waiting)) {
      return false;
    }
  }
  impl_->tasks.push_back(std::move(task));
  impl_->there.notify_one();
  return true;
}

size_t SmallThreads::busy() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->busy;
}

}  // namespace reel::server
