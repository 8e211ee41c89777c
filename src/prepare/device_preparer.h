// SPDX-License-Identifier: Apache-2.0
// Says how the stored tensors of a block become weights on a device: which bytes go where, and
// which kernels run once they have arrived.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"
#include "memory/slot_plan.h"
#include "ops/kernels.h"
#include "prepare/weight_items.h"

namespace reel::prepare {

// For backends whose packed matrices are plain rows (ops::PrepareRowsArgs). Numbers that need no
// change go to their place at once; 8-bit ones that are to be INT8 or FP8 are made in their place;
// all others through the staging area. Every weight is made from its stored bytes alone, at every
// arrival alike.
//
// HostPreparer refuses numbers that are not finite. Here nobody looks at them: they show in the
// latents, which every step checks.
class DevicePreparer : public memory::SlotPreparer {
 public:
  // All arguments, and this object, must outlive the plans.
  DevicePreparer(const checkpoint::Component& component, const ops::Kernels& kernels,
                 const Precision& precision)
      : component_(component), kernels_(kernels), precision_(precision) {}

  // Throws kNotFound for a tensor that is not there, kBadFile for rows that are no whole blocks of
  // their format, kUnsupported for a number format that the kernels do not read.
  std::unique_ptr<memory::SlotPlan> plan(const memory::WeightBlock& block) override;

  // As HostPreparer::digest(), of the blocks that were read whole so far.
  std::string digest() const { return digests_.hex(); }
  // Of tables, which are read by rows.
  uint64_t table_bytes_read() const { return table_bytes_read_; }

 private:
  class Plan;

  const checkpoint::Component& component_;
  const ops::Kernels& kernels_;
  const Precision precision_;
  TensorDigests digests_;
  std::atomic<uint64_t> table_bytes_read_{0};
};

}  // namespace reel::prepare
