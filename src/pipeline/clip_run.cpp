// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_run.h"

#include <reel/version.h>

#include <optional>
#include <utility>

#include "base/env.h"
#include "base/error.h"
#include "pipeline/clip_alternatives.h"
#include "pipeline/preview.h"
#include "pipeline/prompt_cache.h"
#include "pipeline/run_meter.h"
#include "tokenizer/tokenizer.h"

namespace reel::pipeline {
namespace {

// What Wan's own program uses when guidance is on and nothing was given.
// Source: Wan 2.1, wan/configs/shared_config.py, sample_neg_prompt.
constexpr const char* kDefaultNegativePrompt =
    "\u8272\u8c03\u8273\u4e3d\uff0c\u8fc7\u66dd\uff0c\u9759\u6001\uff0c\u7ec6\u8282\u6a21\u7cca"
    "\u4e0d\u6e05\uff0c\u5b57\u5e55\uff0c\u98ce\u683c\uff0c\u4f5c\u54c1\uff0c\u753b\u4f5c\uff0c"
    "\u753b\u9762\uff0c\u9759\u6b62\uff0c\u6574\u4f53\u53d1\u7070\uff0c\u6700\u5dee\u8d28\u91cf"
    "\uff0c\u4f4e\u8d28\u91cf\uff0cJPEG\u538b\u7f29\u6b8b\u7559\uff0c\u4e11\u964b\u7684\uff0c"
    "\u6b8b\u7f3a\u7684\uff0c\u591a\u4f59\u7684\u624b\u6307\uff0c\u753b\u5f97\u4e0d\u597d\u7684"
    "\u624b\u90e8\uff0c\u753b\u5f97\u4e0d\u597d\u7684\u8138\u90e8\uff0c\u7578\u5f62\u7684\uff0c"
    "\u6bc1\u5bb9\u7684\uff0c\u5f62\u6001\u7578\u5f62\u7684\u80a2\u4f53\uff0c\u624b\u6307\u878d"
    "\u5408\uff0c\u9759\u6b62\u4e0d\u52a8\u7684\u753b\u9762\uff0c\u6742\u4e71\u7684\u80cc\u666f"
    "\uff0c\u4e09\u6761\u817f\uff0c\u80cc\u666f\u4eba\u5f88\u591a\uff0c\u5012\u7740\u8d70";

// The ids of the prompt, and of the negative one under guidance.
std::vector<std::vector<int32_t>> tokenize_all(const OpenModel& model, const VideoRequest& request,
                                               const RunSettings& settings, Progress& progress) {
  std::vector<std::vector<int32_t>> ids;
  const tokenizer::Tokenizer tokens = model.load_tokenizer();
  ids.push_back(tokenize(tokens, request.prompt, progress));
  if (settings.guided()) {
    const std::string& negative = request.negative_prompt;
    ids.push_back(tokenize(tokens, negative.empty() ? kDefaultNegativePrompt : negative, progress));
  } else if (!request.negative_prompt.empty()) {
    progress.on_warning("The negative prompt has no effect at guidance 1.");
  }
  return ids;
}

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

// The prompt and, under guidance, the negative one.
EncodedPrompts join(std::vector<EncodedPrompt> encoded) {
  EncodedPrompts prompts{.prompt = std::move(encoded[0]), .negative = std::nullopt};
  if (encoded.size() > 1) prompts.negative = std::move(encoded[1]);
  return prompts;
}

// The text stage with a cache around it.
class Encoding {
 public:
  Encoding(const OpenModel& model, Runtime& runtime, const std::vector<std::vector<int32_t>>& ids,
           Progress& progress)
      : model_(model),
        runtime_(runtime),
        ids_(ids),
        cache_(env::cache_folder() / "text",
               [&progress](const std::string& remark) { progress.on_note(remark); }) {
    if (!runtime.keeps_text()) return;
    for (const auto& prompt : ids) {
      keys_.push_back(
          PromptCache::key(prompt, *model.files().text_encoder, runtime.text_kernels()));
    }
  }

  bool was_cached() const { return was_cached_; }

  EncodedPrompts run(ProgressClock& clock, std::string& weights_digest) {
    if (auto found = find(weights_digest)) {
      was_cached_ = true;
      return join(std::move(*found));
    }
    EncodedPrompts prompts = encode_prompts(model_, runtime_, ids_, clock, &weights_digest);
    if (!keys_.empty()) store(prompts, weights_digest);
    return prompts;
  }

 private:
  // All prompts, or nothing: the encoder is loaded for one of them as for two.
  std::optional<std::vector<EncodedPrompt>> find(std::string& weights_digest) const {
    std::vector<EncodedPrompt> found;
    for (size_t at = 0; at < keys_.size(); ++at) {
      auto entry = cache_.find(keys_[at], static_cast<int64_t>(ids_[at].size()),
                               model_.facts().dit.text_dim);
      if (!entry) return std::nullopt;
      weights_digest = entry->weights_digest;
      found.push_back({.ids = ids_[at], .states = std::move(entry->states)});
    }
    if (found.empty()) return std::nullopt;
    return found;
  }

  void store(const EncodedPrompts& prompts, const std::string& weights_digest) const {
    cache_.store(keys_[0], prompts.prompt.states, weights_digest);
    if (prompts.negative) cache_.store(keys_[1], prompts.negative->states, weights_digest);
  }

  const OpenModel& model_;
  Runtime& runtime_;
  const std::vector<std::vector<int32_t>>& ids_;
  PromptCache cache_;
  std::vector<std::string> keys_;  // of each prompt; none without a cache
  bool was_cached_ = false;
};

}  // namespace

std::optional<Planned> obey_plan(const OpenModel& model, const ClipStages& stages,
                                 const ClipSize& clip, Runtime& runtime) {
  if (!runtime.on_gpu()) return std::nullopt;
  Planned planned{.planner = ClipPlanner(model.files(),
                                         gpu_precision(precision_name(runtime.numbers().precision)),
                                         runtime.machine(), stages),
                  .clip = clip};
  runtime.obey(planned.planner.plan_or_refuse(clip, runtime.budget()));
  return planned;
}

ClipRun run_clip(const OpenModel& model, Runtime& runtime, const VideoRequest& request,
                 const RunSettings& settings, Job* job, Progress& progress,
                 const std::function<void(const media::FrameView&)>& on_frame) {
  ClipRun clip;
  ProgressClock clock(progress);
  std::optional<EncodedPrompts> prompts;
  if (job != nullptr) prompts = job->load_prompts();
  std::vector<std::vector<int32_t>> ids;
  if (!prompts) ids = tokenize_all(model, request, settings, progress);
  const std::optional<Planned> planned =
      obey_plan(model, {},
                {.video = settings.size,
                 .steps = static_cast<int>(settings.levels.timesteps.size()),
                 .prompt_tokens = prompts ? token_counts(*prompts) : token_counts(ids)},
                runtime);
  RunMeter meter(runtime);
  bool text_was_cached = false;
  if (!prompts) {
    meter.begin(memory::Phase::kText);
    Encoding encoding(model, runtime, ids, progress);
    prompts = encoding.run(clock, clip.weights.text_encoder);
    text_was_cached = encoding.was_cached();
    log_stage(meter.end(), *model.files().text_encoder, runtime.text_numbers());
    if (job != nullptr) job->save_prompts(*prompts);
  }

  DenoiseState state = start_denoising(settings);
  if (job != nullptr) {
    if (auto saved = job->load_state(start_denoising(settings))) state = std::move(*saved);
  }
  Previews previews(model.latent_rgb(), request.preview_dir, progress);
  DenoiseHooks hooks;
  hooks.before_step = [&](int index) { meter.begin_step(index); };
  hooks.on_step = [&](const DenoiseState& now, const Tensor&) {
    meter.end_step();
    if (job != nullptr) job->save_state(now);
  };
  hooks.on_clean = [&](const Tensor& clean, int step, int steps) {
    previews.show(clean, step, steps);
  };
  meter.begin(memory::Phase::kDenoise);
  denoise(model, runtime, settings, *prompts, state, clock, hooks, &clip.weights.dit);
  log_stage(meter.end(), *model.files().dit, runtime.numbers());
  clip.loras = model.lora_records(runtime.stop());

  media::Frame rgb(static_cast<int>(settings.size.height_px),
                   static_cast<int>(settings.size.width_px));
  meter.begin(memory::Phase::kDecode);
  decode_latents(
      model, runtime, state.latents, clock,
      [&](const TensorView& pixels) {
        media::to_rgb8({pixels.as<float>(), static_cast<size_t>(pixels.elements())},
                       media::PixelRange::kSigned, rgb.rgb);
        on_frame(rgb.view());
      },
      &clip.weights.vae);
  log_stage(meter.end(), *model.files().vae, runtime.vae_numbers());
  clip.report = meter.report();
  if (text_was_cached) clip.report.stages.front().is_from_cache = true;
  clip.report.also_fits = also_fits(planned, model, runtime.budget());
  return clip;
}

Recipe describe_clip(const OpenModel& model, const std::string& prompt,
                     const std::string& negative_prompt, const RunSettings& settings,
                     const Runtime& runtime, const ClipRun& clip, int fps) {
  const checkpoint::Checkpoint& files = model.files();
  const bool distilled = model.facts().verdict == checkpoint::Verdict::kDistilled;
  return {.version = kVersion,
          .prompt = prompt,
          .negative_prompt = negative_prompt,
          .sampling = complete_sampling(settings),
          .model_name = model.facts().is_demo ? "demo" : files.path.filename().string(),
          .layout = files.dit->layout,
          .verdict = distilled ? "distilled" : "base",
          .weights = clip.weights,
          .loras = clip.loras,
          .precision = precision_name(runtime.numbers().precision),
          .device = runtime.device_name(),
          .kernels = runtime.kernels_summary(),
          .fps = fps,
          .frames_digest = {},
          .measured = to_json(clip.report)};
}

}  // namespace reel::pipeline
