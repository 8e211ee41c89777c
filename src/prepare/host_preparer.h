// SPDX-License-Identifier: Apache-2.0
// Turns the stored tensors of a block into weights on the host; they are packed for the CPU's
// kernels or copied to a GPU as they are.
#pragma once

#include <memory>
#include <string>

#include "base/stop.h"
#include "checkpoint/checkpoint.h"
#include "core/memory_space.h"
#include "memory/block_preparer.h"
#include "ops/kernels.h"
#include "prepare/weight_items.h"

namespace reel::prepare {

// Where weights go, and the kernels that will read them there.
struct Target {
  const ops::Kernels& kernels;
  MemorySpace& memory = host_memory();
  Stream stream;  // what uses the weights comes after it
};

class HostPreparer : public memory::BlockPreparer {
 public:
  // All arguments must outlive this object.
  HostPreparer(const checkpoint::Component& component, const Target& target,
               const Precision& precision, const StopFlag& stop)
      : component_(component), target_(target), precision_(precision), stop_(stop) {}

  uint64_t prepared_bytes(const memory::WeightBlock& block) const override;
  std::unique_ptr<memory::WeightSource> prepare(const memory::WeightBlock& block) override;

  // XXH3-128 over the names and stored bytes of every tensor prepared so far, in the order of
  // their names. Tables that are read by rows count with their shape alone.
  std::string digest() const { return digests_.hex(); }

 private:
  const checkpoint::Component& component_;
  const Target target_;
  Precision precision_;
  const StopFlag& stop_;
  TensorDigests digests_;
};

}  // namespace reel::prepare
