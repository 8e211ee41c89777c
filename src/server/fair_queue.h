// SPDX-License-Identifier: Apache-2.0
// Which job is next: clients take turns, each client's jobs in the order they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <vector>

namespace reel::server {

// Not for several threads at once.
class FairQueue {
 public:
  // A client that has nothing waiting comes after all that have.
  void push(const std::string& client, int64_t sequence);
  // The job whose turn it is.
  std::optional<int64_t> pop();
  // False when it is not waiting.
  bool remove(int64_t sequence);
  size_t size() const;
  // All of them in the order that pop() would give.
  std::vector<int64_t> order() const;

 private:
  struct Line {
    std::string client;
    std::deque<int64_t> jobs;
  };
  std::list<Line> lines_;  // of clients with jobs; the first one's turn it is
};

}  // namespace reel::server
