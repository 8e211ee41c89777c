// SPDX-License-Identifier: Apache-2.0
// Ranks that are threads of the test.
#pragma once

#include <exception>
#include <functional>
#include <vector>

#include "base/thread_group.h"
#include "comm/thread_ranks.h"

namespace reel::test {

// Runs body(communicator) on a thread for each rank and rethrows the error of the first rank that
// has one of its own.
inline void run_ranks(int ranks, const std::function<void(comm::Communicator&)>& body) {
  comm::ThreadRanks together(ranks);
  std::vector<std::exception_ptr> errors(static_cast<size_t>(ranks));
  {
    ThreadGroup threads;
    for (int rank = 0; rank < ranks; ++rank) {
      threads.start([&, rank] {
        try {
          body(together.rank(rank));
        } catch (...) {
          errors[static_cast<size_t>(rank)] = std::current_exception();
          together.give_up();
        }
      });
    }
  }
  std::exception_ptr first;
  for (const std::exception_ptr& error : errors) {
    if (!error) continue;
    first = first ? first : error;
    try {
      std::rethrow_exception(error);
    } catch (const Error& own) {
      if (own.code() != ErrorCode::kCancelled) throw;
    }
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace reel::test
