// SPDX-License-Identifier: Apache-2.0
#include "memory/stream_layout.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace reel::memory {
namespace {

void check_options(const StreamerOptions& options) {
  REEL_REQUIRE(options.window_slots >= 0 && options.reader_threads > 0 &&
                   options.chunk_bytes > ChunkReader::kSlackBytes &&
                   options.chunk_bytes % InputFile::kDirectBytes == 0,
               kInvalidArgument,
               str_cat("a streamer cannot work with ", options.window_slots, " slots, ",
                       options.reader_threads, " reading threads and chunks of ",
                       options.chunk_bytes, " bytes"));
}

// Blocks that would all fit into the window may as well stay there.
std::vector<bool> staying_blocks(int blocks, const StreamerOptions& options) {
  std::vector<bool> stays(static_cast<size_t>(blocks), false);
  for (const int index : options.resident) stays.at(static_cast<size_t>(index)) = true;
  if (std::ranges::count(stays, false) <= options.window_slots) stays.assign(stays.size(), true);
  return stays;
}

}  // namespace

StreamLayout make_stream_layout(const Manifest& manifest, SlotPreparer& preparer,
                                const StreamerOptions& options) {
  check_options(options);
  std::vector<bool> stays = staying_blocks(static_cast<int>(manifest.blocks.size()), options);
  REEL_REQUIRE(options.window_slots > 0 || std::ranges::count(stays, false) == 0, kInvalidArgument,
               "a streamer needs a slot for the blocks that do not stay");
  StreamLayout layout;
  size_t chunks = 0;
  const auto add = [&](const WeightBlock& block, bool is_resident) -> const StreamUnit& {
    StreamUnit& unit = layout.units.emplace_back();
    unit.plan = preparer.plan(block);
    unit.chunks =
        cut_into_chunks(unit.plan->reads(), options.chunk_bytes - ChunkReader::kSlackBytes);
    unit.is_resident = is_resident;
    chunks += unit.chunks.size();
    layout.footprint.staging_bytes =
        std::max(layout.footprint.staging_bytes, unit.plan->staging_bytes());
    return unit;
  };
  StreamerFootprint& bytes = layout.footprint;
  for (size_t index = 0; index < manifest.blocks.size(); ++index) {
    const StreamUnit& unit = add(manifest.blocks[index], stays[index]);
    if (unit.is_resident) {
      bytes.resident_bytes += unit.plan->slot_bytes();
    } else {
      layout.slots = static_cast<size_t>(options.window_slots);
      layout.slot_bytes = std::max(layout.slot_bytes, unit.plan->slot_bytes());
      for (const Chunk& chunk : unit.chunks) bytes.streamed_bytes_a_pass += chunk.size_bytes;
    }
  }
  bytes.fixed_bytes = add(manifest.fixed, true).plan->slot_bytes();
  bytes.setup_bytes = add(manifest.setup, true).plan->slot_bytes();
  bytes.window_bytes = layout.slots * layout.slot_bytes;
  // Never more places than there are chunks: a small model takes a small ring.
  const uint64_t places = std::min<uint64_t>(options.ring_bytes / options.chunk_bytes, chunks);
  layout.ring_places = static_cast<size_t>(std::max<uint64_t>(2, places));
  bytes.pinned_bytes = layout.ring_places * options.chunk_bytes;
  return layout;
}

}  // namespace reel::memory
