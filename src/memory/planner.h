// SPDX-License-Identifier: Apache-2.0
// What lives where in a run on a GPU, decided before it starts: a pure function.
//
// The phases of a clip share one arena in turn. In each, what is held throughout comes first, then
// the blocks that stay, the window that streamed blocks pass through, and what a pass needs at its
// peak. The budget decides how many blocks stay, how wide the window is, how files are read and in
// how many strips the VAE decodes, and nothing else: results are the same bytes under every plan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "memory/arena_layout.h"
#include "memory/budget.h"
#include "memory/device_weights.h"
#include "memory/work.h"

namespace reel::memory {

// kSecondAttempt: a denoising step that went wrong, taken again with other kernels.
enum class Phase { kText, kDenoise, kDecode, kSecondAttempt };
const char* phase_name(Phase phase);  // "text", "denoise", "decode", "second attempt"

struct TaggedBytes {
  std::string tag;
  uint64_t bytes = 0;
};

struct PhaseNeeds {
  Phase phase = Phase::kText;
  NetworkLoad weights;
  int passes = 1;                          // over all blocks
  int strips = 1;                          // that a frame is computed in
  std::vector<TaggedBytes> held;           // from the phase's begin to its end
  std::vector<Activation> setup, forward;  // before the first block; of a pass
  Work setup_work, pass_work;
};

struct ClipNeeds {
  std::vector<PhaseNeeds> phases;
  uint64_t host_bytes = 0;  // of the program itself, besides the pinned ring
  // In the place of the denoise stage, should it be needed.
  std::optional<PhaseNeeds> second_attempt;
};

const char* read_mode_name(ReadMode mode);  // "page cache", "direct"

enum class RowTime { kThroughout, kSetup, kPass };

struct PlanRow {
  std::string tag;
  uint64_t bytes = 0;
  RowTime time = RowTime::kThroughout;
};

struct PhasePlan {
  Phase phase = Phase::kText;
  std::string files_precision;  // "fp8", "bf16": as they store the weights
  int passes = 0;
  int strips = 1;  // that a frame is computed in; of the decode phase
  std::vector<PlanRow> rows;
  // Of the rows: what is there throughout, and the larger of setup and pass.
  uint64_t arena_bytes = 0;
  uint64_t least_arena_bytes = 0;  // with no block resident and the narrowest window
  uint64_t setup_activation_bytes = 0;
  ArenaLayout layout;  // of PhaseNeeds::forward

  int blocks = 0;
  std::vector<int> resident;  // their indices, ascending
  int window_slots = 0;       // 0 when all blocks are resident
  uint64_t slot_bytes = 0;

  // Around the page cache where a cyclic read would only push out what it needs next.
  ReadMode read_mode = ReadMode::kBuffered;
  uint64_t first_pass_bytes = 0;  // read before and during the first pass
  uint64_t pass_bytes = 0;        // moved to the device again in every later pass
  uint64_t pass_disk_bytes = 0;   // of them, what no cache holds

  double compute_s = 0;  // of a later pass, with what LoRAs add to the streamed blocks
  double stream_s = 0;   // of a later pass's weights, on the way at the same time
  double pass_s = 0;     // a later pass: the longer of the two
  double total_s = 0;    // the whole phase, from a disk whose files are in no cache

  // What setup weights and activations take in turn.
  uint64_t shared_bytes() const;
  int streamed() const { return blocks - static_cast<int>(resident.size()); }
};

struct Plan {
  bool fits = false;
  std::string refusal;  // one sentence, when it does not fit

  uint64_t cap_bytes = 0;        // most device memory of the process
  uint64_t least_cap_bytes = 0;  // with which the clip would still be possible
  uint64_t context_bytes = 0;
  uint64_t arena_bytes = 0;  // of the largest phase
  std::vector<PhasePlan> phases;
  // With the narrowest window. Nothing where there is no room: a clip is not refused for what it
  // will hardly need.
  std::optional<PhasePlan> second_attempt;

  uint64_t ring_bytes = 0;  // pinned, between the files and the device
  uint64_t host_bytes = 0;  // private, ring included
  int64_t row_chunk = 0;

  double total_s = 0;
  std::vector<std::string> warnings;

  const PhasePlan* phase(Phase phase) const;
};

// Which of `blocks` are streamed when `streamed` are: spread evenly, the first one resident where
// any is, so that a resident block's time covers the way of the next streamed one.
std::vector<int> resident_blocks(int blocks, int streamed);

Plan make_plan(const ClipNeeds& needs, const Budget& budget, const Machine& machine);

}  // namespace reel::memory
