// SPDX-License-Identifier: Apache-2.0
// The reads of a block, cut into requests of a few MiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/slot_plan.h"

namespace reel::memory {

// A part of a chunk that goes to one place.
struct ChunkPiece {
  size_t read = 0;                 // which of the block's reads
  uint64_t read_offset_bytes = 0;  // within that read
  uint64_t from_bytes = 0;         // within the chunk
  uint64_t size_bytes = 0;
  uint64_t to_bytes = 0;  // within the slot or the staging area
  bool to_staging = false;
  int finished_item = -1;  // the item whose last bytes these are, or -1
};

// One range of one file, or of one strided tensor in row-major order.
struct Chunk {
  const formats::TensorFile* file = nullptr;
  const formats::TensorEntry* strided = nullptr;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
  std::vector<ChunkPiece> pieces;
};

// Keeps the order of the reads. Reads that follow each other in a file share chunks, and small gaps
// are read through; no chunk is larger than `chunk_bytes`.
std::vector<Chunk> cut_into_chunks(const std::vector<SlotRead>& reads, uint64_t chunk_bytes);

}  // namespace reel::memory
