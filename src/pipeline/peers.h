// SPDX-License-Identifier: Apache-2.0
// The further devices that denoise one clip together with the runtime that owns them.
#pragma once

#include <reel/request.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/stop.h"
#include "base/thread_worker.h"
#include "comm/nccl_ranks.h"
#include "comm/thread_ranks.h"

namespace reel::pipeline {

class Runtime;

// One rank: rank 0 is the owner.
struct Peer {
  int rank;
  Runtime& runtime;
  comm::Communicator& ranks;
};

// A runtime and a thread for every further device. For the thread that made it.
class Peers {
 public:
  // `devices` without the owner's, at least one. Throws as Runtime does.
  Peers(const ModelOptions& options, const std::vector<std::string>& devices);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Opens the ways between the memories of all GPUs, the owner's included. With REEL_NCCL=1 they
  // exchange through NCCL; throws as comm::NcclRanks does.
  void connect(Runtime& owner);

  int ranks() const { return ranks_.size(); }
  // The owner's end.
  comm::Communicator& own_rank() { return rank(0); }

  // Runs own() here and `of_peer` on every peer's thread at the same time, on the CPU in turns,
  // from exchange to exchange; returns when all are done. When one throws, the others are told to
  // stop, now and for good, and what it threw is thrown here.
  void together(const std::function<void()>& own, const std::function<void(const Peer&)>& of_peer);

  // "cuda:1 (NVIDIA H100 80GB HBM3)" and so on.
  std::vector<std::string> device_names() const;

 private:
  struct Member {
    ThreadWorker thread{1};
    std::unique_ptr<Runtime> runtime;
  };

  comm::Communicator& rank(int rank) {
    return through_nccl_.empty() ? ranks_.rank(rank) : *through_nccl_[static_cast<size_t>(rank)];
  }
  void give_up();

  StopFlag stop_;
  comm::ThreadRanks ranks_;
  const bool takes_turns_;  // the kernels of the CPU are for one thread at a time
  std::optional<comm::NcclRanks> nccl_;
  std::vector<comm::Communicator*> through_nccl_;  // of each rank; empty without NCCL
  std::vector<std::unique_ptr<Member>> members_;   // ranks 1 and up
};

}  // namespace reel::pipeline
