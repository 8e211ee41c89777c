// SPDX-License-Identifier: Apache-2.0
#include "pipeline/text_to_video.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "pipeline/denoiser.h"
#include "pipeline/latent_check.h"
#include "tokenizer/prompt_cleaning.h"

namespace reel::pipeline {

std::vector<int32_t> tokenize(const tokenizer::Tokenizer& tokens, const std::string& prompt,
                              Progress& progress) {
  const tokenizer::TokenIds encoded = tokens.encode(tokenizer::clean_prompt(prompt));
  if (encoded.was_truncated) {
    progress.on_warning(str_cat("The prompt is longer than ", tokenizer::kPromptTokens,
                                " tokens; what comes after is left out."));
  }
  return {encoded.ids.begin(), encoded.ids.begin() + encoded.token_count};
}

std::vector<int64_t> token_counts(const std::vector<std::vector<int32_t>>& ids) {
  std::vector<int64_t> counts;
  counts.reserve(ids.size());
  for (const auto& prompt : ids) counts.push_back(static_cast<int64_t>(prompt.size()));
  return counts;
}

std::vector<int64_t> token_counts(const EncodedPrompts& prompts) {
  std::vector<int64_t> counts{prompts.prompt.states.shape()[0]};
  if (prompts.negative) counts.push_back(prompts.negative->states.shape()[0]);
  return counts;
}

EncodedPrompts encode_prompts(const OpenModel& model, Runtime& runtime,
                              const std::vector<std::vector<int32_t>>& ids, ProgressClock& clock,
                              std::string* weights_digest) {
  const auto text = model.load_text(runtime, ids.size() > 1);
  text->weights().begin_passes();
  ops::Context ctx = runtime.context(runtime.text_numbers());
  const auto layers = static_cast<int>((*text)->config().layers);
  clock.enter(Stage::kEncodeText, layers * static_cast<int>(ids.size()));
  std::vector<EncodedPrompt> encoded;
  for (const std::vector<int32_t>& prompt : ids) {
    const int before = layers * static_cast<int>(encoded.size());
    Tensor states = (*text)->encode(ctx, prompt, [&](int done) {
      runtime.pace();
      clock.report(before + done);
    });
    REEL_REQUIRE(all_finite(states.values<float>()), kBadFile,
                 str_cat("The text encoder in \"", model.files().text_encoder->path.string(),
                         "\" gives numbers that are not finite."),
                 "Its weights are damaged: compare their checksums, or download them again.");
    encoded.push_back({.ids = prompt, .states = std::move(states)});
  }
  if (weights_digest != nullptr) *weights_digest = text->weights().digest();
  EncodedPrompts prompts{.prompt = std::move(encoded[0]), .negative = std::nullopt};
  if (encoded.size() > 1) prompts.negative = std::move(encoded[1]);
  return prompts;
}

DenoiseState start_denoising(const RunSettings& settings) {
  DenoiseState state{.next_step = 0,
                     .latents = Tensor(DType::kF32, latent_shape(settings.size), "the latents"),
                     .rng = settings.rng == schedulers::NoiseKind::kTorchCuda
                                ? schedulers::Rng::torch_cuda(settings.seed, settings.rng_gpu)
                                : schedulers::Rng::torch_cpu(settings.seed),
                     .sampler = {}};
  state.rng.fill_normal(state.latents.values<float>());
  return state;
}

namespace {

// Says that the step will be taken again; throws kBadFile where there is no room for that.
void tell_of_bad_step(const Runtime& runtime, const Tensor& latents, int index,
                      const std::string& safer_kernels, ProgressClock& clock) {
  const std::string what = str_cat("Step ", index + 1, " ended in ", what_is_wrong(latents),
                                   " with ", kernels_in_words(runtime.numbers()));
  REEL_REQUIRE(
      runtime.has_room_for(memory::Phase::kSecondAttempt), kBadFile,
      str_cat(what, "; there is no room in GPU memory to take it again with ", safer_kernels, '.'),
      "Try a larger --vram, fewer frames, or --precision bf16.");
  clock.warn(str_cat(what, "; it is taken again with ", safer_kernels, '.'));
}

Tensor copy_of(const Tensor& from) {
  Tensor to(from.dtype(), from.shape(), "a copy of the latents");
  std::memcpy(to.bytes().data(), from.bytes().data(), to.bytes().size());
  return to;
}

// The steps of one clip; a step that goes wrong is taken once more, with safer kernels.
class StepTaker {
 public:
  StepTaker(const OpenModel& model, Runtime& runtime, const RunSettings& settings,
            const EncodedPrompts& prompts, DenoiseState& state, ProgressClock& clock)
      : model_(model),
        runtime_(runtime),
        settings_(settings),
        prompts_(prompts),
        state_(state),
        clock_(clock),
        scheduler_(schedulers::make_scheduler(settings.sampler, settings.levels)),
        velocity_(DType::kF32, state.latents.shape(), "the velocity") {
    if (state.next_step > 0) scheduler_->restore(state.sampler);
    clock.enter(Stage::kDenoise, steps());
    load();
  }

  int steps() const { return static_cast<int>(scheduler_->steps().size()); }
  const Tensor& velocity() const { return velocity_; }

  // `on_clean` is DenoiseHooks's.
  void take_next(const std::function<void(const Tensor&, int, int)>& on_clean) {
    const int index = state_.next_step;
    const Before before{
        .latents = copy_of(state_.latents), .rng = state_.rng, .sampler = scheduler_->state()};
    take(*denoiser_, index, false);
    if (!latents_are_usable(state_.latents)) take_again(index, before);
    state_.next_step = index + 1;
    state_.sampler = scheduler_->state();
    if (on_clean) on_clean(clean_latents(before.latents, index), index + 1, steps());
  }

  // Of the denoiser's weights, also once it is gone.
  std::string weights_digest() const { return denoiser_ ? denoiser_->weights_digest() : digest_; }

 private:
  struct Before {
    Tensor latents;
    schedulers::Rng rng;
    schedulers::SamplerState sampler;
  };

  // x - sigma * v. Source: the flow's definition, x = (1 - sigma) * clean + sigma * noise.
  Tensor clean_latents(const Tensor& noisy, int index) const {
    const float sigma = scheduler_->steps()[static_cast<size_t>(index)].sigma;
    Tensor clean(DType::kF32, noisy.shape(), "the clean latents");
    const auto out = clean.values<float>();
    const auto from = noisy.values<float>();
    const auto velocity = velocity_.values<float>();
    for (size_t at = 0; at < out.size(); ++at) out[at] = from[at] - sigma * velocity[at];
    return clean;
  }

  void load() { denoiser_.emplace(model_, runtime_, runtime_.numbers(), settings_, prompts_); }

  void take(Denoiser& with, int index, bool is_checked) {
    const schedulers::Step& step = scheduler_->steps()[static_cast<size_t>(index)];
    with.velocity(state_.latents, index, velocity_,
                  {.on_part = [&](double part) { clock_.report(index, part); },
                   .is_checked = is_checked,
                   .on_residual = {}});
    scheduler_->advance(state_.latents.values<float>(), velocity_.values<float>(), step,
                        state_.rng);
  }

  void take_again(int index, const Before& before) {
    const std::string safer_kernels = kernels_in_words(runtime_.safer_numbers());
    tell_of_bad_step(runtime_, state_.latents, index, safer_kernels, clock_);
    go_back(before);
    digest_ = denoiser_->weights_digest();
    denoiser_.reset();  // its memory is the second attempt's
    {
      Denoiser safer(model_, runtime_, runtime_.safer_numbers(), settings_, prompts_,
                     memory::Phase::kSecondAttempt);
      take(safer, index, false);
      if (!latents_are_usable(state_.latents)) {
        go_back(before);
        take(safer, index, true);  // slow: it throws where the first bad number is
      }
    }
    require_usable(state_.latents, index, safer_kernels);
    if (index + 1 < steps()) load();
  }

  void go_back(const Before& before) {
    std::memcpy(state_.latents.bytes().data(), before.latents.bytes().data(),
                before.latents.bytes().size());
    state_.rng = before.rng;
    scheduler_->restore(before.sampler);
  }

  const OpenModel& model_;
  Runtime& runtime_;
  const RunSettings& settings_;
  const EncodedPrompts& prompts_;
  DenoiseState& state_;
  ProgressClock& clock_;
  const std::unique_ptr<schedulers::Scheduler> scheduler_;
  const Tensor velocity_;
  std::optional<Denoiser> denoiser_;
  std::string digest_;
};

}  // namespace

void denoise(const OpenModel& model, Runtime& runtime, const RunSettings& settings,
             const EncodedPrompts& prompts, DenoiseState& state, ProgressClock& clock,
             const DenoiseHooks& hooks, std::string* weights_digest) {
  StepTaker taker(model, runtime, settings, prompts, state, clock);
  while (state.next_step < taker.steps()) {
    if (hooks.before_step) hooks.before_step(state.next_step);
    taker.take_next(hooks.on_clean);
    if (hooks.on_step) hooks.on_step(state, taker.velocity());
    clock.report(state.next_step);
  }
  if (weights_digest != nullptr) *weights_digest = taker.weights_digest();
}

void decode_latents(const OpenModel& model, Runtime& runtime, const Tensor& latents,
                    ProgressClock& clock, const std::function<void(const TensorView&)>& on_frame,
                    std::string* weights_digest) {
  const VideoSize size = video_size(latents.shape());
  clock.enter(Stage::kDecode, static_cast<int>(size.frames));
  const auto vae = model.load_vae(runtime);
  vae->weights().begin_passes();
  ops::Context ctx = runtime.context(runtime.vae_numbers());
  int done = 0;
  const auto take = [&](const TensorView& frame) {
    REEL_REQUIRE(all_finite({frame.as<float>(), static_cast<size_t>(frame.elements())}), kBadFile,
                 str_cat("The VAE in \"", model.files().vae->path.string(),
                         "\" gives numbers that are not finite in frame ", done + 1, '.'),
                 "Its weights are damaged: compare their checksums, or download them again.");
    on_frame(frame);
    clock.report(++done);
  };
  (*vae)->decode(ctx, latents, take,
                 {.strips = runtime.decode_strips(),
                  .copies = runtime.on_gpu() ? &runtime.copies() : nullptr});
  if (weights_digest != nullptr) *weights_digest = vae->weights().digest();
}

}  // namespace reel::pipeline
