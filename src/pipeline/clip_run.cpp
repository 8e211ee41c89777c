// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_run.h"

#include <reel/version.h>

#include <optional>
#include <utility>

#include "base/error.h"
#include "models/wan_dit/patchify.h"
#include "nn/sequence_parallel.h"
#include "pipeline/clip_alternatives.h"
#include "pipeline/peers.h"
#include "pipeline/preview.h"
#include "pipeline/run_meter.h"
#include "pipeline/text_stage.h"

namespace reel::pipeline {
namespace {

// Nothing for the demo model, which knows one size.
std::vector<std::string> also_fits(const std::optional<Planned>& planned, const OpenModel& model,
                                   const memory::Budget& budget) {
  std::vector<std::string> more;
  if (!planned || model.facts().is_demo) return more;
  for (const PlanAlternative& one : what_else_fits(planned->planner, planned->clip, budget)) {
    more.push_back(one.text());
  }
  return more;
}

// Before anything is computed: throws kInvalidArgument when a device would get no tokens or heads.
void require_share_for_all(const wan_dit::Config& dit, const VideoSize& video, int ranks) {
  nn::share_tokens(wan_dit::token_grid(latent_shape(video)).tokens(), ranks);
  nn::share_heads(dit.heads(), ranks);
}

// What the parts of a run share.
struct RunParts {
  const OpenModel& model;
  Runtime& runtime;
  const VideoRequest& request;
  const RunSettings& settings;
  Job* job;  // or null
  Progress& progress;
};

// The latents, after the steps that the job has not saved.
DenoiseState take_steps(const RunParts& run, const EncodedPrompts& prompts, RunMeter& meter,
                        ProgressClock& clock) {
  DenoiseState state = start_denoising(run.settings);
  if (run.job != nullptr) {
    if (auto saved = run.job->load_state(run.settings)) state = std::move(*saved);
  }
  meter.begin(memory::Phase::kDenoise);
  {
    PreviewPainter painter(run.model, run.settings.size, run.runtime);
    Previews previews(painter, run.request.preview_dir, run.progress);
    DenoiseHooks hooks;
    hooks.before_step = [&](int index) { meter.begin_step(index); };
    hooks.on_step = [&](const DenoiseState& now, const Tensor&) {
      meter.end_step();
      if (run.job != nullptr) run.job->save_state(now, run.settings);
    };
    hooks.on_clean = [&](const Tensor& clean, int step, int steps) {
      previews.show(clean, step, steps);
    };
    denoise(run.model, run.runtime, run.settings, prompts, state, clock, hooks);
  }
  log_stage(meter.end(), *run.model.files().dit, run.runtime.numbers());
  return state;
}

void make_frames(const RunParts& run, const Tensor& latents,
                 const std::function<void(const media::FrameView&)>& on_frame, RunMeter& meter,
                 ProgressClock& clock, std::string& weights_digest) {
  media::Frame rgb(static_cast<int>(run.settings.size.height_px),
                   static_cast<int>(run.settings.size.width_px));
  meter.begin(memory::Phase::kDecode);
  decode_latents(
      run.model, run.runtime, latents, clock,
      [&](const TensorView& pixels) {
        media::to_rgb8({pixels.as<float>(), static_cast<size_t>(pixels.elements())},
                       media::PixelRange::kSigned, rgb.rgb);
        on_frame(rgb.view());
      },
      &weights_digest);
  log_stage(meter.end(), *run.model.files().vae, run.runtime.vae_numbers());
}

}  // namespace

std::optional<Planned> obey_plan(const OpenModel& model, const ClipStages& stages,
                                 const ClipSize& clip, Runtime& runtime) {
  Peers* const peers = stages.denoise ? runtime.peers() : nullptr;
  ClipStages shared = stages;
  shared.blends_tiles = model.decoder().blends_tiles();
  if (peers != nullptr) {
    shared.ranks = peers->ranks();
    require_share_for_all(model.facts().dit, clip.video, shared.ranks);
  }
  if (!runtime.on_gpu()) return std::nullopt;
  const ClipPrecision precision = gpu_precision(precision_name(runtime.numbers()));
  const auto plan_for = [&](const Runtime& where) {
    return ClipPlanner(model.files(), precision, where.machine(), shared);
  };
  Planned planned{.planner = plan_for(runtime), .clip = clip};
  runtime.obey(planned.planner.plan_or_refuse(clip, runtime.budget()));
  if (peers == nullptr) return planned;
  shared.text = shared.decode = false;
  peers->together([] {},
                  [&](const Peer& peer) {
                    Runtime& where = peer.runtime;
                    where.obey(plan_for(where).plan_or_refuse(clip, where.budget()));
                  });
  return planned;
}

std::string why_int8(const OpenModel& model, const Runtime& runtime) {
  const bool is_int8 = runtime.numbers().precision.matrices == DType::kI8;
  if (!runtime.on_gpu() || !is_int8 || model.files().dit->precision != "fp8") return {};
  return "The FP8 weights are multiplied as rotated INT8, which errs less than FP8 products and on "
         "RTX 40 cards has twice their rate by NVIDIA's figures; --precision fp8 takes those.";
}

ClipRun run_clip(const OpenModel& model, Runtime& runtime, const VideoRequest& request,
                 const RunSettings& settings, Job* job, Progress& progress,
                 const std::function<void(const media::FrameView&)>& on_frame) {
  ClipRun clip;
  ProgressClock clock(progress);
  std::optional<EncodedPrompts> prompts;
  if (job != nullptr) prompts = job->load_prompts();
  std::vector<std::vector<int32_t>> ids;
  if (!prompts) ids = tokenize_request(model, request, settings, progress);
  const std::optional<Planned> planned =
      obey_plan(model, {},
                {.video = settings.size,
                 .steps = static_cast<int>(settings.levels.timesteps.size()),
                 .prompt_tokens = prompts ? token_counts(*prompts) : token_counts(ids)},
                runtime);
  if (const std::string why = why_int8(model, runtime); !why.empty()) progress.on_note(why);
  RunMeter meter(runtime);
  bool text_was_cached = false;
  if (!prompts) {
    EncodedText text = run_text_stage(model, runtime, ids, meter, clock, progress);
    text_was_cached = text.was_cached;
    prompts = std::move(text.prompts);
    if (job != nullptr) job->save_prompts(*prompts);
  }

  const RunParts run{model, runtime, request, settings, job, progress};
  clip.weights.text_encoder = prompts->weights_digest;
  const DenoiseState state = take_steps(run, *prompts, meter, clock);
  clip.weights.dit = state.weights_digest;
  clip.loras = model.lora_records(runtime.stop());
  make_frames(run, state.latents, on_frame, meter, clock, clip.weights.vae);
  clip.report = meter.report();
  if (text_was_cached) clip.report.stages.front().is_from_cache = true;
  clip.report.also_fits = also_fits(planned, model, runtime.budget());
  return clip;
}

void describe_denoising(const OpenModel& model, const RunSettings& settings, const Runtime& runtime,
                        Recipe& recipe) {
  const checkpoint::Checkpoint& files = model.files();
  const bool distilled = model.facts().verdict == checkpoint::Verdict::kDistilled;
  recipe.version = kVersion;
  recipe.sampling = complete_sampling(settings);
  recipe.model_name = model.facts().is_demo ? "demo" : files.path.filename().string();
  recipe.layout = files.dit->layout;
  recipe.verdict = distilled ? "distilled" : "base";
  recipe.precision = precision_name(runtime.numbers());
  recipe.device = runtime.device_name();
  recipe.kernels = runtime.kernels_summary();
}

void describe_decoder(const OpenModel& model, Recipe& recipe) {
  recipe.decoder = model.decoder().name();
  recipe.vae_tiling = model.decoder().blends_tiles() ? "blended" : "off";
}

Recipe describe_clip(const OpenModel& model, const std::string& prompt,
                     const std::string& negative_prompt, const RunSettings& settings,
                     const Runtime& runtime, const ClipRun& clip, int fps) {
  Recipe recipe;
  describe_denoising(model, settings, runtime, recipe);
  recipe.prompt = prompt;
  recipe.negative_prompt = negative_prompt;
  recipe.weights = clip.weights;
  describe_decoder(model, recipe);
  recipe.loras = clip.loras;
  recipe.fps = fps;
  recipe.measured = to_json(clip.report);
  return recipe;
}

}  // namespace reel::pipeline
