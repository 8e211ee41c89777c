// SPDX-License-Identifier: Apache-2.0
// What a clip takes on a GPU, from the headers of a model and the size of a request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "memory/planner.h"
#include "models/umt5/config.h"
#include "models/wan_dit/config.h"
#include "pipeline/latent_decoder.h"
#include "pipeline/latent_shape.h"

namespace reel::pipeline {

// What of a request decides how much memory it takes.
struct ClipSize {
  VideoSize video;
  int steps = 4;
  // Token ids of each prompt: one, or two under guidance.
  std::vector<int64_t> prompt_tokens = {512};
};

// Which stages run, and so which networks there must be.
struct ClipStages {
  bool text = true, denoise = true, decode = true;
  int64_t layers = 0;  // the DiT ends after so many blocks; 0: it has all
  int ranks = 1;       // devices that share each pass of the DiT; the plan is the first one's
  // Of the latents' decoder, as LatentDecoder has it.
  bool blends_tiles = false;
};

// How networks are computed on a GPU.
struct ClipPrecision {
  memory::DevicePrecision text, dit, vae;
  bool int8_attention = true;
  DType attention_values = DType::kF16;
};
// For the second attempt at a step of the DiT: nothing in 8 bits. As Runtime::safer_numbers().
ClipPrecision safer_precision(ClipPrecision precision);
// "int8", "int8-fp8pv", "fp8", "bf16", "f32". Throws kInvalidArgument.
ClipPrecision gpu_precision(const std::string& name);

class ClipPlanner {
 public:
  // Looks at the headers of `files`, which must hold the networks of `stages`, and keeps nothing of
  // them.
  ClipPlanner(const checkpoint::Checkpoint& files, const ClipPrecision& precision,
              memory::Machine machine, const ClipStages& stages = {});

  const memory::Machine& machine() const { return machine_; }
  // Latents that are there already have their size.
  bool can_change_size() const { return stages_.denoise; }

  memory::Plan plan(const ClipSize& clip, const memory::Budget& budget) const;
  bool fits(const ClipSize& clip, const memory::Budget& budget) const;
  // The plan of a run. Throws kOutOfMemory with the refusal, and the alternatives as its hint.
  memory::Plan plan_or_refuse(const ClipSize& clip, const memory::Budget& budget) const;
  // The same for a card on which nothing else runs; for a DiT from LightX2V's 8-bit files.
  ClipPlanner on_empty_card() const;
  ClipPlanner with_8bit_files() const;

 private:
  memory::PhaseNeeds text_needs(const ClipSize& clip) const;
  memory::PhaseNeeds denoise_needs(const ClipSize& clip) const;
  memory::PhaseNeeds second_attempt_needs(const ClipSize& clip) const;
  memory::PhaseNeeds dit_needs(const ClipSize& clip, const ClipPrecision& precision,
                               const memory::NetworkLoad& weights) const;
  // What a decoder of previews takes beside the DiT.
  void add_preview(const ClipSize& clip, memory::PhaseNeeds& needs) const;
  memory::PhaseNeeds decode_needs(const ClipSize& clip, int strips) const;
  // The fewest strips that the decode stage fits in, or those that come closest.
  int choose_strips(const ClipSize& clip, const memory::Budget& budget) const;
  uint64_t host_bytes(const ClipSize& clip, int strips) const;

  ClipStages stages_;
  wan_dit::Config dit_;
  umt5::Config text_;
  LatentDecoder decoder_, preview_;
  bool has_preview_ = false;
  memory::NetworkLoad dit_load_, safer_load_, load_of_8bit_files_, text_load_, decoder_load_,
      preview_load_;
  ClipPrecision precision_;
  memory::Machine machine_;
};

}  // namespace reel::pipeline
