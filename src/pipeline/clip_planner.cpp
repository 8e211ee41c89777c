// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_planner.h"

#include <algorithm>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "memory/tags.h"
#include "models/umt5/footprint.h"
#include "models/umt5/names.h"
#include "models/wan_dit/footprint.h"
#include "models/wan_dit/names.h"
#include "models/wan_dit/patchify.h"
#include "pipeline/clip_alternatives.h"
#include "pipeline/model_configs.h"
#include "pipeline/network_load.h"
#include "pipeline/preview_decoder.h"
#include "pipeline/runtime.h"

namespace reel::pipeline {
namespace {

using checkpoint::needed_tensors;
using memory::Budget;
using memory::NetworkLoad;
using memory::PhaseNeeds;

// Assumed, not measured: the program with its libraries, headers of the checkpoint and tokenizer,
// and what an encoder of H.264 holds, in frames of 4:2:0.
constexpr uint64_t kProgramBytes = 350 * kMiB;
constexpr uint64_t kEncoderFrames = 64;
// Copies of the latents that a step holds: before, after, velocity, noise.
constexpr uint64_t kLatentCopies = 4;

uint64_t bytes_of(int64_t count) { return static_cast<uint64_t>(count); }

int64_t longest(const std::vector<int64_t>& counts) {
  return *std::max_element(counts.begin(), counts.end());
}

wan_dit::ForwardShape forward_shape(const wan_dit::Config& config, const ClipPrecision& precision,
                                    const memory::Machine& machine, int ranks,
                                    const VideoSize& video, int64_t prompt_tokens) {
  return {.tokens = wan_dit::token_grid(latent_shape(video)).tokens(),
          .text_keys = prompt_tokens + (prompt_tokens < config.text_len ? 1 : 0),
          .compute = precision.dit.compute,
          .matrices = precision.dit.matrices,
          .int8_attention = precision.int8_attention,
          .attention_values = precision.attention_values,
          .row_chunk = machine.row_chunk,
          .ranks = ranks,
          .most_flops_per_call = machine.most_flops_per_call};
}

wan_dit::Config first_layers(wan_dit::Config config, int64_t layers) {
  if (layers > 0) config.layers = std::min(config.layers, layers);
  return config;
}

}  // namespace

ClipPrecision gpu_precision(const std::string& name) {
  const auto all = [](DType compute, DType matrices, DType vae) {
    // As Runtime::text_numbers(): never in 8 bits.
    return ClipPrecision{.text = {.compute = compute, .matrices = compute},
                         .dit = {.compute = compute, .matrices = matrices},
                         .vae = {.compute = vae, .matrices = vae},
                         .int8_attention = matrices == DType::kI8};
  };
  if (name == "int8") return all(DType::kBF16, DType::kI8, DType::kF16);
  if (name == kFp8ValuesPrecision) {
    ClipPrecision precision = gpu_precision("int8");
    precision.attention_values = DType::kF8E4M3;
    return precision;
  }
  if (name == "fp8") return all(DType::kBF16, DType::kF8E4M3, DType::kF16);
  if (name == "bf16") return all(DType::kBF16, DType::kBF16, DType::kF16);
  if (name == "f32") return all(DType::kF32, DType::kF32, DType::kF32);
  fail(ErrorCode::kInvalidArgument,
       str_cat("precision is \"", name,
               "\"; auto, f32, bf16, int8, int8-fp8pv and fp8 are possible."));
}

ClipPrecision safer_precision(ClipPrecision precision) {
  precision.dit.matrices = precision.dit.compute;
  precision.int8_attention = false;
  precision.attention_values = DType::kF16;
  return precision;
}

ClipPlanner::ClipPlanner(const checkpoint::Checkpoint& files, const ClipPrecision& precision,
                         memory::Machine machine, const ClipStages& stages)
    : stages_(stages), precision_(precision), machine_(std::move(machine)) {
  if (stages.text) {
    text_ = text_config(*files.text_encoder);
    text_load_ = network_load(needed_tensors(umt5::name_units(text_), umt5::dims_of(text_)),
                              *files.text_encoder, precision.text);
  }
  if (stages.denoise) {
    dit_ = first_layers(dit_config(files), stages.layers);
    const auto needed = needed_tensors(wan_dit::name_units(dit_), wan_dit::dims_of(dit_));
    dit_load_ = network_load(needed, *files.dit, precision.dit);
    safer_load_ = network_load(needed, *files.dit, safer_precision(precision).dit);
    load_of_8bit_files_ = load_of_8bit_files(needed, *files.dit, precision.dit);
  }
  if (stages.denoise && files.preview) {
    has_preview_ = true;
    preview_ = LatentDecoder(*files.preview, "auto");
    preview_load_ = network_load(preview_.needed(), *files.preview, precision.vae);
  }
  if (stages.decode) {
    // A TAE is of the same size whatever it takes.
    decoder_ = LatentDecoder(*files.vae, "auto", stages.blends_tiles);
    decoder_load_ = network_load(decoder_.needed(), *files.vae, precision.vae);
  }
}

PhaseNeeds ClipPlanner::text_needs(const ClipSize& clip) const {
  const umt5::EncodeShape shape{.tokens = longest(clip.prompt_tokens),
                                .compute = precision_.text.compute,
                                .matrices = precision_.text.matrices};
  return {.phase = memory::Phase::kText,
          .weights = text_load_,
          .passes = static_cast<int>(clip.prompt_tokens.size()),
          .held = {},
          .setup = {},
          .forward = umt5::encode_activations(text_, shape),
          .setup_work = {},
          .pass_work = umt5::encode_work(text_, shape)};
}

PhaseNeeds ClipPlanner::denoise_needs(const ClipSize& clip) const {
  return dit_needs(clip, precision_, dit_load_);
}

// One step, all its blocks streamed.
PhaseNeeds ClipPlanner::second_attempt_needs(const ClipSize& clip) const {
  PhaseNeeds needs = dit_needs(clip, safer_precision(precision_), safer_load_);
  needs.phase = memory::Phase::kSecondAttempt;
  needs.passes = static_cast<int>(clip.prompt_tokens.size());
  return needs;
}

PhaseNeeds ClipPlanner::dit_needs(const ClipSize& clip, const ClipPrecision& precision,
                                  const NetworkLoad& weights) const {
  uint64_t prompt_bytes = 0;
  for (const int64_t tokens : clip.prompt_tokens) {
    prompt_bytes += wan_dit::prompt_bytes(
        dit_, forward_shape(dit_, precision, machine_, stages_.ranks, clip.video, tokens));
  }
  const wan_dit::ForwardShape shape = forward_shape(dit_, precision, machine_, stages_.ranks,
                                                    clip.video, longest(clip.prompt_tokens));
  PhaseNeeds needs{
      .phase = memory::Phase::kDenoise,
      .weights = weights,
      .passes = clip.steps * static_cast<int>(clip.prompt_tokens.size()),
      .held = {{memory::tags::kPrompt, prompt_bytes},
               {memory::tags::kTimeModulation, wan_dit::time_modulation_bytes(dit_, clip.steps)}},
      .setup = wan_dit::setup_activations(dit_, shape),
      .forward = wan_dit::forward_activations(dit_, shape),
      .setup_work = {},
      .pass_work = wan_dit::forward_work(dit_, shape)};
  if (has_preview_) add_preview(clip, needs);
  return needs;
}

// Its activations are the arena's while the DiT has none there.
void ClipPlanner::add_preview(const ClipSize& clip, PhaseNeeds& needs) const {
  const LatentDecoder::Footprint takes = preview_.footprint(clip.video, precision_.vae.compute, 1);
  needs.held.push_back({memory::tags::kPreviewDecoder, held_bytes(preview_load_, takes)});
  int moment = 0;
  for (const memory::Activation& one : needs.forward) moment = std::max(moment, one.last_use + 1);
  for (memory::Activation one : takes.forward) {
    one.first_use += moment;
    one.last_use += moment;
    needs.forward.push_back(std::move(one));
  }
  // Once a step, which is a pass for each prompt.
  needs.pass_work += 1.0 / static_cast<double>(clip.prompt_tokens.size()) * takes.work;
}

PhaseNeeds ClipPlanner::decode_needs(const ClipSize& clip, int strips) const {
  LatentDecoder::Footprint takes = decoder_.footprint(clip.video, precision_.vae.compute, strips);
  return {.phase = memory::Phase::kDecode,
          .weights = decoder_load_,
          .passes = 1,
          .strips = strips,
          .held = std::move(takes.held),
          .setup = {},
          .forward = std::move(takes.forward),
          .setup_work = {},
          .pass_work = takes.work};
}

int ClipPlanner::choose_strips(const ClipSize& clip, const Budget& budget) const {
  const int most = decoder_.most_strips(clip.video);
  int closest = 1;
  uint64_t least_bytes = UINT64_MAX;
  for (int strips = 1; strips <= most; ++strips) {
    const memory::Plan alone = memory::make_plan(
        {.phases = {decode_needs(clip, strips)}, .host_bytes = 0}, budget, machine_);
    if (alone.least_cap_bytes <= alone.cap_bytes) return strips;
    if (alone.least_cap_bytes >= least_bytes) continue;
    least_bytes = alone.least_cap_bytes;
    closest = strips;
  }
  return closest;
}

uint64_t ClipPlanner::host_bytes(const ClipSize& clip, int strips) const {
  const int64_t text_dim = stages_.text ? text_.dim : dit_.text_dim;
  const uint64_t states =
      bytes_of(longest(clip.prompt_tokens) * text_dim) * sizeof(float) * clip.prompt_tokens.size();
  if (!stages_.denoise && !stages_.decode) return kProgramBytes + states;
  const Shape latent = latent_shape(clip.video);
  const uint64_t pixels = bytes_of(clip.video.width_px * clip.video.height_px);
  const uint64_t latents = bytes_of(latent.elements()) * sizeof(float) * kLatentCopies;
  // Patches, the rotation table; frames as numbers, two of them on their way from the GPU and one
  // put together from strips, and one as bytes.
  const uint64_t tokens = bytes_of(wan_dit::token_grid(latent).tokens());
  const uint64_t tables = tokens * bytes_of(dit_.patch_dim() + wan_dit::kHeadDim) * sizeof(float);
  const uint64_t frames = pixels * 3 * (3 * sizeof(float) + 1) + pixels * 3 / 2 * kEncoderFrames;
  const uint64_t waiting =
      stages_.decode ? decoder_.footprint(clip.video, precision_.vae.compute, strips).host_bytes
                     : 0;
  return kProgramBytes + states + latents + tables + frames + waiting;
}

memory::Plan ClipPlanner::plan(const ClipSize& clip, const Budget& budget) const {
  const int strips = stages_.decode ? choose_strips(clip, budget) : 1;
  memory::ClipNeeds needs;
  if (stages_.text) needs.phases.push_back(text_needs(clip));
  if (stages_.denoise) {
    needs.phases.push_back(denoise_needs(clip));
    needs.second_attempt = second_attempt_needs(clip);
  }
  if (stages_.decode) needs.phases.push_back(decode_needs(clip, strips));
  needs.host_bytes = host_bytes(clip, strips);
  return memory::make_plan(needs, budget, machine_);
}

bool ClipPlanner::fits(const ClipSize& clip, const Budget& budget) const {
  return plan(clip, budget).fits;
}

ClipPlanner ClipPlanner::on_empty_card() const {
  ClipPlanner other = *this;
  other.machine_.gpu_free_bytes = 0;
  return other;
}

ClipPlanner ClipPlanner::with_8bit_files() const {
  ClipPlanner other = *this;
  other.dit_load_ = load_of_8bit_files_;
  return other;
}

memory::Plan ClipPlanner::plan_or_refuse(const ClipSize& clip, const Budget& budget) const {
  memory::Plan made = plan(clip, budget);
  if (made.fits) return made;
  std::string hint;
  for (const PlanAlternative& one : find_alternatives(*this, clip, budget)) {
    hint += (hint.empty() ? "What would fit: " : ", or ") + one.text();
  }
  fail(ErrorCode::kOutOfMemory, made.refusal, hint.empty() ? hint : hint + '.');
}

}  // namespace reel::pipeline
