// SPDX-License-Identifier: Apache-2.0
#include "memory/chunk_plan.h"

#include <algorithm>
#include <map>

namespace reel::memory {
namespace {

// Reading this much for nothing costs less than another request.
constexpr uint64_t kMostGapBytes = uint64_t{64} << 10;

bool continues(const Chunk& chunk, const SlotRead& read, uint64_t offset_bytes,
               uint64_t chunk_bytes) {
  const uint64_t end_bytes = chunk.offset_bytes + chunk.size_bytes;
  return chunk.file == read.file.get() && chunk.strided == nullptr && read.entry->strides.empty() &&
         offset_bytes >= end_bytes && offset_bytes - end_bytes <= kMostGapBytes &&
         offset_bytes - chunk.offset_bytes < chunk_bytes;
}

}  // namespace

std::vector<Chunk> cut_into_chunks(const std::vector<SlotRead>& reads, uint64_t chunk_bytes) {
  std::map<int, size_t> last_read;  // of each item
  for (size_t at = 0; at < reads.size(); ++at) last_read[reads[at].item] = at;
  std::vector<Chunk> chunks;
  for (size_t at = 0; at < reads.size(); ++at) {
    const SlotRead& read = reads[at];
    const bool is_strided = !read.entry->strides.empty();
    const uint64_t begin_bytes = (is_strided ? 0 : read.entry->offset_bytes) + read.offset_bytes;
    for (uint64_t done = 0; done < read.size_bytes;) {
      const uint64_t offset_bytes = begin_bytes + done;
      if (chunks.empty() || !continues(chunks.back(), read, offset_bytes, chunk_bytes)) {
        chunks.push_back({.file = read.file.get(),
                          .strided = is_strided ? read.entry : nullptr,
                          .offset_bytes = offset_bytes,
                          .size_bytes = 0,
                          .pieces = {}});
      }
      Chunk& chunk = chunks.back();
      const uint64_t from_bytes = offset_bytes - chunk.offset_bytes;
      const uint64_t size_bytes = std::min(read.size_bytes - done, chunk_bytes - from_bytes);
      const bool is_end = done + size_bytes == read.size_bytes;
      chunk.pieces.push_back(
          {.read = at,
           .read_offset_bytes = done,
           .from_bytes = from_bytes,
           .size_bytes = size_bytes,
           .to_bytes = read.to_bytes + done,
           .to_staging = read.to_staging,
           .finished_item = is_end && last_read[read.item] == at ? read.item : -1});
      chunk.size_bytes = from_bytes + size_bytes;
      done += size_bytes;
    }
  }
  return chunks;
}

}  // namespace reel::memory
