// SPDX-License-Identifier: Apache-2.0
// Keeps a model larger than the device running: while block i computes, the next blocks are on
// their way.
//
//   disk --(reader threads)--> ring of pinned chunks --(copy stream)--> slot, made into weights
//   there
//
// Some blocks stay on the device; the others pass through a window of slots, again and again in
// their order. Events alone order copies and computation: the compute side waits for a block on
// its stream, the copy stream for a slot's last use. Nothing is allocated after the first pass.
#pragma once

#include <cstdint>
#include <memory>

#include "base/stop.h"
#include "core/copy_engine.h"
#include "core/memory_space.h"
#include "memory/manifest.h"
#include "memory/slot_plan.h"
#include "memory/stream_layout.h"
#include "memory/weight_source.h"

namespace reel::memory {

struct StreamerStats {
  uint64_t bytes_read = 0;    // from files
  uint64_t bytes_copied = 0;  // to the device
  double stall_seconds = 0;   // the compute stream had nothing to do but wait for a block
  int restarts = 0;           // a block was asked for that was not the next
};

class BlockStreamer : public BlockSource {
 public:
  // Takes all memory and starts to read. The arguments but `manifest` and `options`, and the
  // streams it meets, must outlive the streamer. Throws kOutOfMemory, and as SlotPreparer.
  BlockStreamer(const Manifest& manifest, SlotPreparer& preparer, MemorySpace& device,
                CopyEngine& engine, const StopFlag& stop, const StreamerOptions& options);
  // Waits for the device to be done with the slots.
  ~BlockStreamer() override;

  int blocks() const override;
  // Waits on the host until they have arrived. Throws as acquire().
  const WeightSource& fixed() override;
  // As fixed(). Read again when it is asked for after the first block.
  const WeightSource& setup() override;
  // Everything submitted to `stream` so far is taken as the last use of the block before. Blocks
  // are expected in the order 0, 1, ..., 0, 1, ...; any other order works and costs a restart.
  //
  // Throws kBadFile when the block's file ends early or was changed, kIo on a read error (another
  // call tries again), kDeviceFailure, and kCancelled within 0.2 s of a stop.
  const WeightSource& acquire(int index, Stream stream) override;

  // The pass under way is the last: nothing is read ahead for another one.
  void set_last_pass();
  // Never throws: of a device that is lost, waits that it no longer tells are left out.
  StreamerStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reel::memory
