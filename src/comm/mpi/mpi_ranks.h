// SPDX-License-Identifier: Apache-2.0
// Ranks that are processes of one MPI job, on host memory. No part of the program: tests run the
// networks with it, in processes that share nothing.
#pragma once

#include <memory>

#include "comm/communicator.h"

namespace reel::comm {

class MpiRanks {
 public:
  // Joins the job as MPI_Init does, or is the only rank of one. One at a time in a process.
  MpiRanks();
  // Leaves it, when the others do.
  ~MpiRanks();
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  // This process's end. Exchanges throw kUnsupported for memory that is not the host's and for
  // pieces of 2 GiB and more; its give_up() ends all processes.
  Communicator& own();

 private:
  class Own;
  std::unique_ptr<Own> own_;
};

}  // namespace reel::comm
