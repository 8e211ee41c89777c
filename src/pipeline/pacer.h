// SPDX-License-Identifier: Apache-2.0
// Keeps the host from running far ahead of a GPU, so that a stop is heard at once.
#pragma once

#include <array>
#include <cstdint>

#include "core/copy_engine.h"
#include "ops/observed_kernels.h"

namespace reel::pipeline {

// Counts the operations that are submitted to one stream, by one thread at a time; other streams
// may have threads of their own. When a chunk of them is full the host waits until the one before
// has run: it is at most two chunks ahead, and the GPU always has one to go on with.
class Pacer : public ops::OpObserver {
 public:
  // `engine` must outlive this object.
  Pacer(CopyEngine& engine, Stream stream, int64_t chunk_flops);

  int64_t begin(Stream) override { return 0; }
  void end(int64_t ticket, const ops::OpRecord& op, Stream stream) override;

 private:
  CopyEngine& engine_;
  const Stream stream_;
  const int64_t chunk_flops_;
  int64_t flops_ = 0;                // of the chunk under way
  std::array<OwnedEvent, 2> marks_;  // behind the last two chunks
  size_t chunks_ = 0;
};

}  // namespace reel::pipeline
