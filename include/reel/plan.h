// SPDX-License-Identifier: Apache-2.0
// What a clip would take on a GPU, and whether it fits; reads headers only.
#pragma once

#include <reel/request.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reel {

struct PlanRequest {
  ModelOptions model;
  SamplingOptions sampling;
  // Left empty, the longest prompt is planned for.
  std::string prompt, negative_prompt;
  // Plans for this card, at predicted speed, instead of the machine's: a name of
  // predictable_gpus().
  std::string as_gpu;
};

// What stands in the arena under one name.
struct PlanTag {
  std::string tag;   // "resident blocks", "activations"
  std::string when;  // "throughout", "setup" (before the first block) or "pass"
  uint64_t size_bytes = 0;
};

// One of the stages that share the arena in turn.
struct StagePlan {
  std::string stage;         // "text", "denoise", "decode", "second attempt"
  std::string weights;       // how the files hold them: "fp8"
  uint64_t arena_bytes = 0;  // of tags "throughout", and the larger of "setup" and "pass"
  std::vector<PlanTag> tags;
  int passes = 0;  // over all blocks
  int strips = 1;  // of rows that a frame is decoded in, for the same bytes in less memory
  int tiles = 1;   // that a frame is blended from, as ModelOptions::vae_tiling wants it
  int blocks = 0;
  std::vector<int> resident;  // blocks that stay in GPU memory
  int window_slots = 0;       // through which the others pass
  uint64_t slot_bytes = 0;
  std::string read_mode;               // "page cache" or "direct"
  uint64_t first_pass_bytes = 0;       // read once
  uint64_t later_pass_bytes = 0;       // moved to the GPU again in every later pass
  uint64_t later_pass_disk_bytes = 0;  // of them, from disk
  double compute_s = 0, stream_s = 0;  // of one pass; both go on at the same time
  double total_s = 0;                  // of the stage, from a cold disk
};

struct FrameSize {
  int width_px = 0, height_px = 0;
};

// A change of a request that does not fit, under which it would. One of the fields is set, or none
// when it is other files of the model.
struct PlanChange {
  std::string text;  // "49 frames"
  std::optional<int> frames;
  std::optional<FrameSize> size;
  std::optional<uint64_t> card_bytes;
};

struct Plan {
  bool fits = false;
  std::string refusal;                    // a sentence, when it does not fit
  std::vector<std::string> alternatives;  // "49 frames (--frames 49)", nearest first
  std::vector<PlanChange> changes;        // the same, for programs

  std::vector<FrameSize> trained_sizes;  // of the model, its default first
  int width_px = 0, height_px = 0, frames = 0, steps = 0;
  int prompt_tokens = 0;
  bool guided = false;

  std::string gpu;           // whose speed is used
  bool is_gpu_here = false;  // a clip would be made on it; else the CPU makes it
  bool is_assumed = true;    // of that GPU nothing was measured: times are a prediction
  uint64_t card_bytes = 0;   // behave as on a card of this size
  uint64_t cap_bytes = 0;    // most GPU memory of the process
  uint64_t least_cap_bytes = 0;
  uint64_t context_bytes = 0;
  uint64_t arena_bytes = 0;
  int64_t row_chunk = 0;
  std::vector<StagePlan> stages;
  // A denoising step that ended in NaN or a flat latent, taken again in 16 bits, in the place of
  // the denoise stage; nothing where there is no room for it.
  std::optional<StagePlan> second_attempt;

  uint64_t host_bytes = 0;  // private, with the pinned ring
  uint64_t ring_bytes = 0;

  double total_s = 0;
  std::vector<std::string> warnings;  // it will work, but not as well as it could
  std::vector<std::string> notes;
};

// The cards that as_gpu takes: "RTX 4070".
std::vector<std::string> predictable_gpus();

// Throws as Engine's constructor for the model, kInvalidArgument for the request. A plan that does
// not fit is an answer, not an error.
Plan make_plan(const PlanRequest& request);

}  // namespace reel
