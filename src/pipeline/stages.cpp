// SPDX-License-Identifier: Apache-2.0
// The stages on their own. What their files hold: reel/stages.h.
#include <reel/stages.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/output_path.h"
#include "media/frame_writer.h"
#include "pipeline/clip_run.h"
#include "pipeline/denoise_state_file.h"
#include "pipeline/preview.h"
#include "pipeline/run_meter.h"
#include "pipeline/stage_files.h"
#include "pipeline/stage_inputs.h"
#include "pipeline/stage_recipe.h"
#include "pipeline/text_stage.h"
#include "pipeline/text_to_video.h"

namespace reel {
namespace {

using namespace pipeline;

// States with zero rows up to the text length, and ids and mask beside them.
void add_prompt(StageFile& file, const EncodedPrompt& prompt, int64_t text_len) {
  Tensor states(DType::kF32, {text_len, prompt.states.shape().width()});
  std::memset(states.bytes().data(), 0, states.bytes().size());
  std::memcpy(states.bytes().data(), prompt.states.bytes().data(),
              static_cast<size_t>(prompt.states.view().size_bytes()));
  Tensor ids(DType::kI64, {text_len});
  Tensor mask(DType::kI64, {text_len});
  for (int64_t at = 0; at < text_len; ++at) {
    const bool real = at < static_cast<int64_t>(prompt.ids.size());
    ids.view().as<int64_t>()[at] = real ? prompt.ids[static_cast<size_t>(at)] : 0;
    mask.view().as<int64_t>()[at] = real ? 1 : 0;
  }
  file.add("text_states", std::move(states));
  file.add("ids", std::move(ids));
  file.add("mask", std::move(mask));
}

Tensor vector_tensor(const std::vector<float>& values, size_t count) {
  Tensor tensor(DType::kF32, {static_cast<int64_t>(count)});
  std::copy_n(values.begin(), count, tensor.view().as<float>());
  return tensor;
}

Shape per_step(int64_t steps, const Shape& one) { return {steps, one[0], one[1], one[2], one[3]}; }

// What lcm's steps but the last are going to draw from `rng`.
Tensor step_noise(schedulers::Rng rng, int64_t steps, const Tensor& latents) {
  Tensor noise(DType::kF32, per_step(steps, latents.shape()));
  const auto elements = static_cast<size_t>(latents.view().elements());
  for (size_t step = 0; step < static_cast<size_t>(steps); ++step) {
    rng.fill_normal(noise.values<float>().subspan(step * elements, elements));
  }
  return noise;
}

// Steps behind which lcm draws noise: all but the last.
int64_t drawing_steps(const RunSettings& settings) {
  const bool draws = settings.sampler == schedulers::SamplerKind::kLcm;
  return draws ? static_cast<int64_t>(settings.levels.timesteps.size()) - 1 : 0;
}

// What the run starts from, and what it is going to draw.
void add_noise(const RunSettings& settings, const DenoiseState& start, StageFile& file) {
  file.add_copy("noise", start.latents);
  const int64_t steps = drawing_steps(settings);
  if (steps > 0) file.add("step_noise", step_noise(start.rng, steps, start.latents));
}

// The steps, and where they ended. `velocities` is empty where they were not kept.
void add_steps(const RunSettings& settings, const std::vector<float>& velocities, Tensor latents,
               StageFile& file) {
  const size_t steps = settings.levels.timesteps.size();
  file.add("timesteps", vector_tensor(settings.levels.timesteps, steps));
  file.add("sigmas", vector_tensor(settings.levels.sigmas, steps));
  if (!velocities.empty()) {
    Tensor traced(DType::kF32, per_step(static_cast<int64_t>(steps), latents.shape()));
    std::copy(velocities.begin(), velocities.end(), traced.view().as<float>());
    file.add("velocity", std::move(traced));
  }
  file.add("latents", std::move(latents));
  file.metadata["seed"] = std::to_string(settings.seed);
}

// What happens around the steps; all that is given must outlive them.
DenoiseHooks hooks_of(const DenoiseRequest& request, const RunSettings& settings, RunMeter& meter,
                      Previews& previews, std::vector<float>& velocities) {
  DenoiseHooks hooks;
  hooks.before_step = [&](int index) { meter.begin_step(index); };
  hooks.on_step = [&](const DenoiseState& now, const Tensor& velocity) {
    meter.end_step();
    if (!request.state.empty()) write_denoise_state(request.state, now, settings);
    if (!request.trace_velocity) return;
    const auto values = velocity.values<float>();
    velocities.insert(velocities.end(), values.begin(), values.end());
  };
  hooks.on_clean = [&](const Tensor& clean, int step, int all) { previews.show(clean, step, all); };
  return hooks;
}

// The prompt's ids, and the negative prompt's where there is one.
std::vector<std::vector<int32_t>> ids_of(const EncodeTextRequest& request, const OpenModel& model,
                                         Progress& progress) {
  std::vector<std::vector<int32_t>> ids;
  if (request.ids.empty()) {
    ids.push_back(tokenize(model.load_tokenizer(), request.prompt, progress));
  } else {
    REEL_REQUIRE(request.ids.size() <= static_cast<size_t>(tokenizer::kPromptTokens),
                 kInvalidArgument,
                 str_cat("There are ", request.ids.size(), " token ids; at most ",
                         tokenizer::kPromptTokens, " are possible."));
    ids.emplace_back(request.ids.begin(), request.ids.end());
  }
  if (request.with_negative) {
    const std::string& negative =
        request.negative_prompt.empty() ? usual_negative_prompt() : request.negative_prompt;
    ids.push_back(tokenize(model.load_tokenizer(), negative, progress));
  }
  return ids;
}

using PixelSink = std::function<void(const TensorView& pixels)>;  // [rows, cols, 3], about -1 to 1

// All frames as one tensor, 0 to 1.
void decode_to_numbers(const VideoSize& size, const std::string& out,
                       const std::function<void(const PixelSink&)>& decode) {
  Tensor frames(DType::kF32, {size.frames, size.height_px, size.width_px, 3}, "the frames");
  float* to = frames.view().as<float>();
  decode([&](const TensorView& pixels) {
    const float* const from = pixels.as<float>();
    to = std::transform(from, from + pixels.elements(), to,
                        [](float value) { return std::clamp(value * 0.5f + 0.5f, 0.0f, 1.0f); });
  });
  StageFile decoded;
  decoded.add("frames", std::move(frames));
  write_stage_file(out, decoded);
}

// Returns the digest of the frames, which completes the recipe.
std::string decode_to_clip(const VideoSize& size, const DecodeRequest& request,
                           const std::string& out, const StopFlag& stop,
                           std::optional<Recipe>& recipe,
                           const std::function<void(const PixelSink&)>& decode) {
  const auto writer = media::make_frame_writer(out, {.width_px = static_cast<int>(size.width_px),
                                                     .height_px = static_cast<int>(size.height_px),
                                                     .frame_rate = {request.fps, 1},
                                                     .quality = request.quality,
                                                     .encoders = {}});
  media::Frame rgb(static_cast<int>(size.height_px), static_cast<int>(size.width_px));
  decode([&](const TensorView& pixels) {
    media::to_rgb8({pixels.as<float>(), static_cast<size_t>(pixels.elements())},
                   media::PixelRange::kSigned, rgb.rgb);
    writer->add(rgb.view());
  });
  if (recipe) recipe->frames_digest = writer->digest_hex();
  writer->finish(recipe ? to_json(*recipe) : std::string(), &stop);
  return writer->digest_hex();
}

}  // namespace

RunReport encode_text(const ModelOptions& options, const EncodeTextRequest& request,
                      Progress& progress) {
  const bool needs_tokenizer = request.ids.empty() || request.with_negative;
  const OpenModel model(options, {.tokenizer = needs_tokenizer, .dit = false, .vae = false},
                        progress);
  const StopFlag stop(progress.stop_requested);
  Runtime runtime(options, stop);
  const std::string out = choose_output_path(request.out, 0, true);
  const auto ids = ids_of(request, model, progress);
  obey_plan(model, {.denoise = false, .decode = false}, {.prompt_tokens = token_counts(ids)},
            runtime);
  ProgressClock clock(progress);
  RunMeter meter(runtime);
  meter.begin(memory::Phase::kText);
  const EncodedPrompts prompts = encode_prompts(model, runtime, ids, clock);
  log_stage(meter.end(), *model.files().text_encoder, runtime.text_numbers());
  StageFile file;
  add_prompt(file, prompts.prompt, tokenizer::kPromptTokens);
  if (prompts.negative) {
    StageFile negative;
    add_prompt(negative, *prompts.negative, tokenizer::kPromptTokens);
    file.add("negative_text_states", std::move(negative.tensors[0].second));
  }
  if (request.ids.empty()) {
    Recipe recipe;
    recipe.prompt = request.prompt;
    recipe.negative_prompt = request.negative_prompt;
    recipe.weights.text_encoder = prompts.weights_digest;
    put_recipe(recipe, file);
  }
  write_stage_file(out, file);
  return meter.report();
}

RunReport denoise(const ModelOptions& options, const DenoiseRequest& request, Progress& progress) {
  const OpenModel model(options, {.tokenizer = false, .text_encoder = false, .vae = false},
                        progress);
  const CheckedRun checked = check_sampling(request.sampling, model.facts());
  for (const std::string& warning : checked.warnings) progress.on_warning(warning);
  REEL_REQUIRE(request.state.empty() || !request.trace_velocity, kInvalidArgument,
               "A run that may go on from a state file cannot keep the velocity of every step.",
               "Leave one of the two out.");
  const RunSettings& settings = checked.settings;
  const StopFlag stop(progress.stop_requested);
  const auto own_runtime = Runtime::on_all_devices(options, stop);
  Runtime& runtime = *own_runtime;
  const std::string out = choose_output_path(request.out, settings.seed, true);
  const std::string preview_dir = choose_preview_folder(request.preview_dir, settings.seed);
  StageFile text = read_stage_file(request.text);
  std::optional<Recipe> recipe = recipe_in(text, request.text);
  const EncodedPrompts prompts =
      take_prompts(settings, text, request.text, model.facts().dit.text_dim);
  obey_plan(model, {.text = false, .decode = false},
            {.video = settings.size,
             .steps = static_cast<int>(settings.levels.timesteps.size()),
             .prompt_tokens = token_counts(prompts)},
            runtime);

  PreviewPainter painter(model, settings.size, runtime);
  Previews previews(painter, preview_dir, progress);
  DenoiseState state = start_denoising(settings);
  if (!request.noise.empty()) {
    use_noise_file(request.noise, drawing_steps(settings), state);
    recipe.reset();
  }
  StageFile file;
  add_noise(settings, state, file);
  std::vector<float> velocities;
  RunMeter meter(runtime);
  const DenoiseHooks hooks = hooks_of(request, settings, meter, previews, velocities);
  if (!request.state.empty() && std::filesystem::exists(request.state)) {
    state = read_denoise_state(request.state, settings, std::move(state));
  }
  ProgressClock clock(progress);
  meter.begin(memory::Phase::kDenoise);
  pipeline::denoise(model, runtime, settings, prompts, state, clock, hooks);
  log_stage(meter.end(), *model.files().dit, runtime.numbers());
  add_steps(settings, velocities, std::move(state.latents), file);
  if (recipe) {
    describe_denoising(model, settings, runtime, *recipe);
    recipe->weights.dit = state.weights_digest;
    recipe->loras = model.lora_records(runtime.stop());
    put_recipe(*recipe, file);
  }
  write_stage_file(out, file);
  std::error_code ignored;
  if (!request.state.empty()) std::filesystem::remove(request.state, ignored);
  return meter.report();
}

RunReport decode(const ModelOptions& options, const DecodeRequest& request, Progress& progress) {
  const OpenModel model(options, {.tokenizer = false, .text_encoder = false, .dit = false},
                        progress);
  const StopFlag stop(progress.stop_requested);
  Runtime runtime(options, stop);
  StageFile file = read_stage_file(request.latents);
  std::optional<Recipe> recipe = recipe_in(file, request.latents);
  if (!request.write_recipe) recipe.reset();
  const Tensor latents = take_latents(file, request.latents);
  const VideoSize size = video_size(latents.shape());
  const std::string out = choose_output_path(request.out, 0, request.overwrite);
  obey_plan(model, {.text = false, .denoise = false}, {.video = size}, runtime);
  RunMeter meter(runtime);
  const auto decode_into = [&](const PixelSink& sink) {
    ProgressClock clock(progress);
    meter.begin(memory::Phase::kDecode);
    std::string weights_digest;
    decode_latents(model, runtime, latents, clock, sink, &weights_digest);
    log_stage(meter.end(), *model.files().vae, runtime.vae_numbers());
    if (!recipe) return;
    recipe->weights.vae = weights_digest;
    describe_decoder(model, *recipe);
    recipe->fps = request.fps;
  };
  std::string digest;
  if (std::filesystem::path(out).extension() == ".safetensors") {
    decode_to_numbers(size, out, decode_into);
  } else {
    digest = decode_to_clip(size, request, out, stop, recipe, decode_into);
  }
  RunReport report = meter.report();
  report.frames_digest = digest;
  return report;
}

}  // namespace reel
