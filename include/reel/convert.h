// SPDX-License-Identifier: Apache-2.0
// A whole checkpoint in one file, in the order in which a run reads it.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace reel {

struct ConvertRequest {
  // The model, and its parts where they lie elsewhere. LoRAs cannot be part of a slab.
  ModelOptions model;
  // The file to write, which ends in .slab; empty: beside the files of the DiT, where runs find it.
  std::string out;
  bool verify = false;  // writes nothing: reads a slab that is there and compares its checksums
};

enum class ConvertPhase { kCopy, kVerify };

struct ConvertProgress {
  ConvertPhase phase = ConvertPhase::kCopy;
  std::string_view tensor;
  uint64_t done_bytes = 0, total_bytes = 0;  // of the phase
};
using ConvertWatcher = std::function<void(const ConvertProgress&)>;

struct ConvertResult {
  std::string path;  // of the slab
  uint64_t size_bytes = 0;
  bool was_there = false;      // a slab of the same files; nothing was written
  uint64_t kept_bytes = 0;     // that an earlier attempt had written
  uint64_t written_bytes = 0;  // now
  double copy_seconds = 0, verify_seconds = 0;
};

// Writes the slab of a checkpoint, reads it back from the disk, compares the checksums, and gives
// it its name. What is there when it fails, is stopped or is killed is kept: the next call with the
// same arguments goes on there. Numbers are copied as they are, so a run gives the same bytes with
// the slab as without. `progress` gets remarks, and stops it within half a second.
//
// Throws as inspect() and generate() for a model that cannot be opened or is incomplete,
// kInvalidArgument for LoRAs or a path that is no slab's, kUnsupported for a slab as the model,
// kIo when the disk lacks space (looked at first), fills, or gives other bytes back than were
// written, kBusy when another program writes the same slab, kBadFile with `verify` when a checksum
// is not the one of the bytes, kCancelled.
ConvertResult convert(const ConvertRequest& request, Progress& progress,
                      const ConvertWatcher& watcher = {});

}  // namespace reel
