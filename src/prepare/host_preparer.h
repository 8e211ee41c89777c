// SPDX-License-Identifier: Apache-2.0
// Turns the stored tensors of a block into weights on the host, packed for the CPU's kernels.
// Deltas are added in f32 to what is stored, before anything is rounded or rotated.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/stop.h"
#include "checkpoint/checkpoint.h"
#include "core/memory_space.h"
#include "memory/block_preparer.h"
#include "ops/kernels.h"
#include "prepare/weight_items.h"

namespace reel::prepare {

class HostPreparer : public memory::BlockPreparer {
 public:
  // All arguments must outlive this object, and `memory`, which is the host's, the weights.
  HostPreparer(const checkpoint::Component& component, const ops::Kernels& kernels,
               const Precision& precision, const StopFlag& stop,
               MemorySpace& memory = host_memory())
      : component_(component),
        kernels_(kernels),
        precision_(precision),
        stop_(stop),
        memory_(memory) {}

  uint64_t prepared_bytes(const memory::WeightBlock& block) const override;
  std::unique_ptr<memory::WeightSource> prepare(const memory::WeightBlock& block) override;

  // XXH3-128 over the names and stored bytes of every tensor prepared so far, in the order of
  // their names. Tables that are read by rows count with their shape alone.
  std::string digest() const { return digests_.hex(); }
  // Stored bytes of all that was prepared so far, and rows of tables; what was read twice counts
  // twice.
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  const checkpoint::Component& component_;
  const ops::Kernels& kernels_;
  Precision precision_;
  const StopFlag& stop_;
  MemorySpace& memory_;
  TensorDigests digests_;
  std::atomic<uint64_t> bytes_read_{0};
};

}  // namespace reel::prepare
