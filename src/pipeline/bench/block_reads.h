// SPDX-License-Identifier: Apache-2.0
// How fast the blocks of a DiT come from disk, read as the streamer reads them.
#pragma once

#include <cstdint>

#include "base/stop.h"
#include "checkpoint/checkpoint.h"
#include "memory/manifest.h"

namespace reel::pipeline {

struct BlockReadRate {
  int64_t files = 0;
  int64_t requests = 0;  // of at most 4 MiB
  uint64_t bytes = 0;    // of all blocks
  double seconds = 0;
};

// Reads every block once, past the page cache where that can be, by four threads in the order of
// use. What the page cache holds of the files is dropped first, as far as the system does that.
// Throws as InputFile, kCancelled.
BlockReadRate read_blocks(const checkpoint::Component& dit, const memory::Manifest& manifest,
                          const StopFlag& stop);

}  // namespace reel::pipeline
