// SPDX-License-Identifier: Apache-2.0
// THE STORY: a prompt becomes text states, noise becomes latents, latents become frames.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "media/frame_writer.h"
#include "pipeline/open_model.h"
#include "pipeline/progress_clock.h"
#include "pipeline/request_check.h"
#include "schedulers/scheduler.h"

namespace reel::pipeline {

// A prompt as the encoder sees it and as the DiT takes it.
struct EncodedPrompt {
  std::vector<int32_t> ids;  // real tokens, "</s>" included
  Tensor states;             // [ids, text_dim] f32
};

struct EncodedPrompts {
  EncodedPrompt prompt;
  std::optional<EncodedPrompt> negative;  // under guidance
  std::string weights_digest = {};        // of the text encoder; empty where that is not known
};

// Of each prompt.
std::vector<int64_t> token_counts(const std::vector<std::vector<int32_t>>& ids);
std::vector<int64_t> token_counts(const EncodedPrompts& prompts);

// Token ids of a cleaned prompt.
std::vector<int32_t> tokenize(const tokenizer::Tokenizer& tokens, const std::string& prompt,
                              Progress& progress);

EncodedPrompts encode_prompts(const OpenModel& model, Runtime& runtime,
                              const std::vector<std::vector<int32_t>>& ids, ProgressClock& clock);

// Where a run stands between two steps: all that continuing needs.
struct DenoiseState {
  int next_step = 0;
  Tensor latents;  // [16, latent_frames, latent_rows, latent_cols] f32
  schedulers::Rng rng;
  schedulers::SamplerState sampler;
  std::string weights_digest = {};  // of the DiT, once a step was taken
};

// What a caller may look at or bring along.
struct DenoiseHooks {
  // Before each step, with its index.
  std::function<void(int)> before_step;
  // After each step: the state to save, and the velocity that was used.
  std::function<void(const DenoiseState&, const Tensor& velocity)> on_step;
  // Before on_step: what the step, counted from 1, estimates the clean latents to be, and how many
  // steps there are.
  std::function<void(const Tensor& clean, int step, int steps)> on_clean;
};

// Initial noise for a run that starts at the beginning.
DenoiseState start_denoising(const RunSettings& settings);

// Runs the remaining steps; state.latents are the clean latents on return. A step whose result is
// not finite or flat is taken once more with the safer kernels, and a warning says so; throws
// kBadFile naming the first bad part of the DiT when that fails too, or when the plan has no room
// for it.
void denoise(const OpenModel& model, Runtime& runtime, const RunSettings& settings,
             const EncodedPrompts& prompts, DenoiseState& state, ProgressClock& clock,
             const DenoiseHooks& hooks = {});

// Calls on_frame with each frame [height_px, width_px, 3] f32, about -1 to 1.
void decode_latents(const OpenModel& model, Runtime& runtime, const Tensor& latents,
                    ProgressClock& clock, const std::function<void(const TensorView&)>& on_frame,
                    std::string* weights_digest = nullptr);

}  // namespace reel::pipeline
