// SPDX-License-Identifier: Apache-2.0
// One thread that runs jobs in the order they are given, a bounded number behind its caller.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace reel {

// A job's exception stops the worker: later jobs are dropped, and every submit() and wait() from
// then on rethrows it.
class ThreadWorker {
 public:
  // At most `most_waiting` jobs wait while another runs.
  explicit ThreadWorker(size_t most_waiting);
  // Drops the jobs that wait, lets the running one end.
  ~ThreadWorker();
  ThreadWorker(const ThreadWorker&) = delete;
  ThreadWorker& operator=(const ThreadWorker&) = delete;

  // Queues `job`, after waiting for room.
  void submit(std::function<void()> job);
  // Returns when all jobs have run.
  void wait();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reel
