// SPDX-License-Identifier: Apache-2.0
#include "base/thread_worker.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace reel {

class ThreadWorker::Impl {
 public:
  explicit Impl(size_t most_waiting) : most_waiting_(most_waiting), thread_([this] { work(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
      jobs_.clear();
    }
    changed_.notify_all();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void submit(std::function<void()> job) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return error_ || jobs_.size() < most_waiting_ || idle(); });
    if (error_) std::rethrow_exception(error_);
    jobs_.push_back(std::move(job));
    changed_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return error_ || idle(); });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  bool idle() const { return jobs_.empty() && !running_; }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
      if (closing_) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      running_ = true;
      changed_.notify_all();
      lock.unlock();
      std::exception_ptr error;
      try {
        job();
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      running_ = false;
      if (error) {
        error_ = error;
        jobs_.clear();
      }
      changed_.notify_all();
    }
  }

  const size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool running_ = false;
  bool closing_ = false;
  std::exception_ptr error_;
  std::thread thread_;  // last: starts when the rest is ready
};

ThreadWorker::ThreadWorker(size_t most_waiting) : impl_(std::make_unique<Impl>(most_waiting)) {}
ThreadWorker::~ThreadWorker() = default;
void ThreadWorker::submit(std::function<void()> job) { impl_->submit(std::move(job)); }
void ThreadWorker::wait() { impl_->wait(); }

}  // namespace reel
