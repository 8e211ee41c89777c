// SPDX-License-Identifier: Apache-2.0
// Ranks that are threads of this process, each with a GPU of its own, through NVIDIA's NCCL: pieces
// go over NVLink, PCIe or the host's memory, whichever that library finds best, and no host thread
// waits for a GPU. The library is opened when it is wanted; Reel does not link it.
#pragma once

#include <memory>
#include <string>

#include "comm/communicator.h"

namespace reel::comm {

class NcclRanks {
 public:
  // Throws kUnsupported, naming `library`, when it is not found or lacks a function,
  // kDeviceFailure with NCCL's words when it does not start.
  explicit NcclRanks(int size, const std::string& library = "libnccl.so.2");
  ~NcclRanks();
  NcclRanks(const NcclRanks&) = delete;
  NcclRanks& operator=(const NcclRanks&) = delete;

  // Joins the thread, with the GPU it uses, as rank `rank`; returns when all ranks have joined.
  // Sizes that disagree between ranks are not noticed: NCCL waits.
  Communicator& join(int rank);
  // For all ranks: nobody waits any longer.
  void give_up();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reel::comm
