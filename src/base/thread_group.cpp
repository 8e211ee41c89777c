// SPDX-License-Identifier: Apache-2.0
#include "base/thread_group.h"

#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace reel {

struct ThreadGroup::Impl {
  std::vector<std::thread> threads;
};

ThreadGroup::ThreadGroup() : impl_(std::make_unique<Impl>()) {}
ThreadGroup::~ThreadGroup() { join(); }

void ThreadGroup::start(std::function<void()> body) {
  try {
    impl_->threads.emplace_back(std::move(body));
  } catch (const std::system_error& error) {
    fail(ErrorCode::kInternal, str_cat("Cannot start a thread: ", error.what(), '.'),
         "Raise the limit on processes (ulimit -u).");
  }
}

void ThreadGroup::join() {
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
}

}  // namespace reel
