// SPDX-License-Identifier: Apache-2.0
#include "pipeline/text_to_video.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "pipeline/latent_check.h"
#include "pipeline/step_taker.h"
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
                              const std::vector<std::vector<int32_t>>& ids, ProgressClock& clock) {
  const auto text = model.load_text(runtime, ids.size() > 1);
  text->weights().begin_passes();
  ops::Context ctx = runtime.context(runtime.text_numbers());
  const auto layers = static_cast<int>((*text)->config().layers);
  clock.enter(Stage::kEncodeText, layers * static_cast<int>(ids.size()));
  std::vector<EncodedPrompt> encoded;
  for (const std::vector<int32_t>& prompt : ids) {
    const int before = layers * static_cast<int>(encoded.size());
    Tensor states = (*text)->encode(ctx, prompt, [&](int done) {
      runtime.end_block();
      clock.report(before + done);
    });
    REEL_REQUIRE(all_finite(states.values<float>()), kBadFile,
                 str_cat("The text encoder in \"", model.files().text_encoder->path.string(),
                         "\" gives numbers that are not finite."),
                 "Its weights are damaged: compare their checksums, or download them again.");
    encoded.push_back({.ids = prompt, .states = std::move(states)});
  }
  EncodedPrompts prompts{.prompt = std::move(encoded[0]),
                         .negative = std::nullopt,
                         .weights_digest = text->weights().digest()};
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

void denoise(const OpenModel& model, Runtime& runtime, const RunSettings& settings,
             const EncodedPrompts& prompts, DenoiseState& state, ProgressClock& clock,
             const DenoiseHooks& hooks) {
  clock.enter(Stage::kDenoise, static_cast<int>(settings.levels.timesteps.size()), state.next_step);
  StepTaker taker(model, runtime, settings, prompts, clock);
  taker.begin(state);
  while (state.next_step < taker.steps()) {
    if (hooks.before_step) hooks.before_step(state.next_step);
    taker.take_next(hooks.on_clean);
    if (hooks.on_step) hooks.on_step(state, taker.velocity());
    clock.report(state.next_step);
  }
}

void decode_latents(const OpenModel& model, Runtime& runtime, const Tensor& latents,
                    ProgressClock& clock, const std::function<void(const TensorView&)>& on_frame,
                    std::string* weights_digest) {
  const VideoSize size = video_size(latents.shape());
  clock.enter(Stage::kDecode, static_cast<int>(size.frames));
  const auto decoder = model.load_decoder(runtime);
  decoder->weights().begin_passes();
  ops::Context ctx = runtime.context(runtime.vae_numbers());
  int done = 0;
  const auto take = [&](const TensorView& frame) {
    REEL_REQUIRE(all_finite({frame.as<float>(), static_cast<size_t>(frame.elements())}), kBadFile,
                 str_cat("The ", network_name(model.files().vae->network), " in \"",
                         model.files().vae->path.string(),
                         "\" gives numbers that are not finite in frame ", done + 1, '.'),
                 "Its weights are damaged: compare their checksums, or download them again.");
    on_frame(frame);
    ++done;
  };
  // In frames, whatever the decoder counts.
  const auto tell = [&](int64_t made, int64_t all) {
    const int64_t frames = made * size.frames;
    clock.report(static_cast<int>(frames / all),
                 static_cast<double>(frames % all) / static_cast<double>(all));
  };
  (*decoder)->decode(ctx, latents, take,
                     {.strips = runtime.decode_strips(),
                      .copies = runtime.on_gpu() ? &runtime.copies() : nullptr,
                      .on_progress = tell});
  if (weights_digest != nullptr) *weights_digest = decoder->weights().digest();
}

}  // namespace reel::pipeline
