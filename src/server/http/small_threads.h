// SPDX-License-Identifier: Apache-2.0
// A pool of threads with small stacks, for work that mostly waits.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace reel::server {

class SmallThreads {
 public:
  // `most_threads` are started as they are needed; beyond them `most_waiting` tasks wait.
  SmallThreads(size_t most_threads, size_t most_waiting);
  ~SmallThreads();  // as stop()
  SmallThreads(const SmallThreads&) = delete;
  SmallThreads& operator=(const SmallThreads&) = delete;

  // False when there is no room, or the system starts no thread; `task` is dropped then. It must
  // not throw.
  bool submit(std::function<void()> task);
  // Drops the tasks that wait, lets those that run end, and takes no more.
  void stop();
  // How many tasks run now.
  size_t busy() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reel::server
