// SPDX-License-Identifier: Apache-2.0
#include "pipeline/text_to_video.h"

#include <cmath>
#include <cstring>
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

}  // namespace

void denoise(const OpenModel& model, Runtime& runtime, const RunSettings& settings,
             const EncodedPrompts& prompts, DenoiseState& state, ProgressClock& clock,
             const DenoiseHooks& hooks, std::string* weights_digest) {
  const auto scheduler = schedulers::make_scheduler(settings.sampler, settings.levels);
  const auto steps = static_cast<int>(scheduler->steps().size());
  if (state.next_step > 0) scheduler->restore(state.sampler);
  clock.enter(Stage::kDenoise, steps);
  std::optional<Denoiser> denoiser;
  std::string digest;  // of the denoiser's weights, once it is gone
  const auto load = [&] { denoiser.emplace(model, runtime, runtime.numbers(), settings, prompts); };
  load();
  Tensor velocity(DType::kF32, state.latents.shape(), "the velocity");

  const auto take_step = [&](Denoiser& with, int index, bool is_checked) {
    const schedulers::Step& step = scheduler->steps()[static_cast<size_t>(index)];
    with.velocity(state.latents, index, velocity,
                  {.on_part = [&](double part) { clock.report(index, part); },
                   .is_checked = is_checked,
                   .on_residual = {}});
    scheduler->advance(state.latents.values<float>(), velocity.values<float>(), step, state.rng);
  };
  while (state.next_step < steps) {
    const int index = state.next_step;
    if (hooks.before_step) hooks.before_step(index);
    const Tensor before = copy_of(state.latents);
    const schedulers::Rng rng = state.rng;
    const schedulers::SamplerState sampler = scheduler->state();
    take_step(*denoiser, index, false);
    if (!latents_are_usable(state.latents)) {
      const std::string safer_kernels = kernels_in_words(runtime.safer_numbers());
      tell_of_bad_step(runtime, state.latents, index, safer_kernels, clock);
      std::memcpy(state.latents.bytes().data(), before.bytes().data(), before.bytes().size());
      state.rng = rng;
      scheduler->restore(sampler);
      digest = denoiser->weights_digest();
      denoiser.reset();  // its memory is the second attempt's
      {
        Denoiser safer(model, runtime, runtime.safer_numbers(), settings, prompts,
                       memory::Phase::kSecondAttempt);
        take_step(safer, index, true);
      }
      require_usable(state.latents, index, safer_kernels);
      if (index + 1 < steps) load();
    }
    state.next_step = index + 1;
    state.sampler = scheduler->state();
    if (hooks.on_step) hooks.on_step(state, velocity);
    clock.report(state.next_step);
  }
  if (denoiser) digest = denoiser->weights_digest();
  if (weights_digest != nullptr) *weights_digest = digest;
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
