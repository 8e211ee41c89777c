// SPDX-License-Identifier: Apache-2.0
// The interface through which memory/ has a block turned from the bytes of files into weights on a
// device: what to read, where it goes, and what to launch once it has arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "formats/tensor_file.h"
#include "memory/manifest.h"
#include "memory/weight_source.h"

namespace reel::memory {

// Bytes of one stored tensor on their way to the device.
struct SlotRead {
  std::shared_ptr<const formats::TensorFile> file;
  const formats::TensorEntry* entry = nullptr;
  uint64_t offset_bytes = 0;  // within the tensor, which is row-major: strides are resolved first
  uint64_t size_bytes = 0;
  uint64_t to_bytes = 0;  // within the slot or the staging area
  bool to_staging = false;
  int item = 0;  // the item they are made into
};

// Sums up the bytes of a block while it is read.
class BlockDigest {
 public:
  virtual ~BlockDigest() = default;

  // The bytes of read number `read` from `offset_bytes` of it on, in any order, each once. Several
  // threads may call it at a time.
  virtual void add(size_t read, uint64_t offset_bytes, std::span<const std::byte> bytes) = 0;
  // All bytes of all reads were added.
  virtual void finish() = 0;
};

// How one block gets into a slot, whichever slot it is.
class SlotPlan {
 public:
  virtual ~SlotPlan() = default;

  virtual uint64_t slot_bytes() const = 0;
  virtual uint64_t staging_bytes() const = 0;
  // Copies are submitted in this order.
  virtual const std::vector<SlotRead>& reads() const = 0;
  // Called when the copies of all reads of `item` have been submitted to `stream`, and before any
  // later one is: launches what makes the item from them.
  virtual void make_item(int item, std::byte* slot, std::byte* staging, Stream stream) const = 0;
  // The weights in a slot; valid as long as both.
  virtual std::unique_ptr<WeightSource> open(std::byte* slot) const = 0;
  // For one reading of the whole block.
  virtual std::unique_ptr<BlockDigest> start_digest() = 0;
};

class SlotPreparer {
 public:
  virtual ~SlotPreparer() = default;

  // From headers alone. Throws kNotFound for a tensor that is not there.
  virtual std::unique_ptr<SlotPlan> plan(const WeightBlock& block) = 0;
};

}  // namespace reel::memory
