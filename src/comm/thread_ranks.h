// SPDX-License-Identifier: Apache-2.0
// Ranks that are threads of this process: a piece goes from one rank's memory straight to
// another's, on the CPU and between the GPUs of one machine.
#pragma once

#include <functional>
#include <memory>

#include "comm/communicator.h"

namespace reel::comm {

class ThreadRanks {
 public:
  explicit ThreadRanks(int size);
  ~ThreadRanks();

  int size() const;
  // The end of rank `rank`, for the thread that is it. Lives as long as this object.
  Communicator& rank(int rank);
  // For all ranks: nobody waits any longer.
  void give_up();

  // Runs `work` while no other rank's work in turn runs, but for where it waits in an exchange: for
  // ranks whose computing is not made for several threads, as the CPU's kernels.
  void in_turn(const std::function<void()>& work);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reel::comm
