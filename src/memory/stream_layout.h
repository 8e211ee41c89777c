// SPDX-License-Identifier: Apache-2.0
// What a streamer takes and what it will read, known before it starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/memory_space.h"
#include "memory/chunk_plan.h"
#include "memory/chunk_reader.h"
#include "memory/manifest.h"
#include "memory/slot_plan.h"

namespace reel::memory {

struct StreamerOptions {
  std::vector<int> resident;  // blocks that stay, as planner.h chooses them
  int window_slots = 3;       // for the others; 1 works, without any overlap
  // The pinned ring, cut into places of chunk_bytes: a multiple of 4096, of which
  // ChunkReader::kSlackBytes are slack.
  uint64_t ring_bytes = uint64_t{256} << 20;
  uint64_t chunk_bytes = uint64_t{4} << 20;
  int reader_threads = 4;
  ReadMode read_mode = ReadMode::kBuffered;
  // acquire() returns when all but this many blocks, its own included, have been computed: how far
  // the host runs ahead of the device. 0 for no bound.
  int most_blocks_ahead = 2;
  // Where the setup weights are for as long as they are needed; null: with the others.
  MemorySpace* setup_memory = nullptr;
  // Work submitted to this stream before may still use the memory that the streamer gets.
  std::optional<Stream> after;
  ReadBytes read;  // for tests: ChunkReader
};

// Memory a streamer takes, in bytes.
struct StreamerFootprint {
  uint64_t fixed_bytes = 0;
  uint64_t setup_bytes = 0;  // until the first block
  uint64_t resident_bytes = 0;
  uint64_t window_bytes = 0;
  uint64_t staging_bytes = 0;
  uint64_t pinned_bytes = 0;  // of the host; the others are the device's
  uint64_t streamed_bytes_a_pass = 0;
};

// A block, or the fixed or the setup weights.
struct StreamUnit {
  std::unique_ptr<SlotPlan> plan;
  std::vector<Chunk> chunks;
  bool is_resident = false;
};

struct StreamLayout {
  std::vector<StreamUnit> units;  // the blocks, then the fixed and the setup weights
  size_t slots = 0;
  uint64_t slot_bytes = 0;
  size_t ring_places = 0;
  StreamerFootprint footprint;
};

// From headers alone. Throws kInvalidArgument for options that cannot work, and as SlotPreparer.
StreamLayout make_stream_layout(const Manifest& manifest, SlotPreparer& preparer,
                                const StreamerOptions& options);

}  // namespace reel::memory
