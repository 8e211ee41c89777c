// SPDX-License-Identifier: Apache-2.0
// The weights of one network where they are computed with: packed on the CPU, streamed to a GPU.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.h"
#include "memory/block_streamer.h"
#include "memory/weight_store.h"
#include "pipeline/runtime.h"
#include "prepare/device_preparer.h"
#include "prepare/host_preparer.h"

namespace reel::pipeline {

class LoadedWeights {
 public:
  // `phase` is the network's: on a GPU its part of the runtime's plan is obeyed, where there is
  // one. `host_budget_bytes` limits what stays prepared on the CPU. `component` and `runtime` must
  // outlive this object.
  LoadedWeights(const checkpoint::Component& component, memory::Manifest manifest, Runtime& runtime,
                memory::Phase phase, const prepare::Precision& precision,
                uint64_t host_budget_bytes);
  ~LoadedWeights();

  memory::BlockSource& source();
  // Of every weight byte that was used so far, in a fixed order.
  std::string digest() const;
  // What was needed before the first block is freed, and the activations of passes follow.
  void begin_passes();
  // No pass follows the one under way.
  void set_last_pass();

 private:
  void let_trace_watch();

  Runtime& runtime_;
  memory::Phase phase_;
  // On the CPU.
  std::optional<prepare::HostPreparer> host_preparer_;
  std::optional<memory::WeightStore> store_;
  // On a GPU.
  std::optional<prepare::DevicePreparer> device_preparer_;
  std::optional<memory::BlockStreamer> streamer_;
  std::optional<TracedBlocks> traced_;  // either of them, when there is a trace
};

}  // namespace reel::pipeline
