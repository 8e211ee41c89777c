// SPDX-License-Identifier: Apache-2.0
// Threads that share a life: started one by one, joined together.
#pragma once

#include <functional>
#include <memory>

namespace reel {

class ThreadGroup {
 public:
  ThreadGroup();
  // Joins. Whoever owns the group has told the bodies to end before.
  ~ThreadGroup();
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;

  // `body` must not throw. Throws kInternal when the system starts no thread.
  void start(std::function<void()> body);
  // Returns when every body has.
  void join();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reel
