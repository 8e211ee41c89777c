// SPDX-License-Identifier: Apache-2.0
// The stages on their own. What their files hold: reel/stages.h.
#include <reel/stages.h>

#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "media/frame_writer.h"
#include "pipeline/output_path.h"
#include "pipeline/stage_files.h"
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

// Rows up to the mask's sum, or up to the last row that is not all zeros.
int64_t real_rows(const StageFile& file, const Tensor& states) {
  if (const Tensor* mask = file.find("mask"); mask != nullptr && mask->dtype() == DType::kI64) {
    int64_t sum = 0;
    for (const int64_t value : mask->values<int64_t>()) sum += value != 0 ? 1 : 0;
    return std::clamp<int64_t>(sum, 1, states.shape()[0]);
  }
  int64_t rows = states.shape()[0];
  const int64_t width = states.shape().width();
  const auto is_zero = [&](int64_t row) {
    const float* from = states.view().as<float>() + row * width;
    return std::all_of(from, from + width, [](float value) { return value == 0; });
  };
  while (rows > 1 && is_zero(rows - 1)) --rows;
  return rows;
}

Tensor first_rows(const Tensor& states, int64_t rows) {
  Tensor kept(DType::kF32, {rows, states.shape().width()});
  std::memcpy(kept.bytes().data(), states.bytes().data(), kept.bytes().size());
  return kept;
}

EncodedPrompts read_prompts(const std::string& path) {
  StageFile file = read_stage_file(path);
  Tensor states = take_f32(file, "text_states", path);
  REEL_REQUIRE(states.shape().axes() == 2, kBadFile,
               str_cat('"', path, "\": \"text_states\" is ", states.shape(),
                       "; [rows, text_dim] is needed."));
  const int64_t rows = real_rows(file, states);
  EncodedPrompts prompts{.prompt = {.ids = {}, .states = first_rows(states, rows)},
                         .negative = std::nullopt};
  if (file.find("negative_text_states") != nullptr) {
    Tensor negative = take_f32(file, "negative_text_states", path);
    StageFile without_mask;
    const int64_t negative_rows = real_rows(without_mask, negative);
    prompts.negative = {.ids = {}, .states = first_rows(negative, negative_rows)};
  }
  return prompts;
}

// Replaces what the seed gave by what a file holds: the initial noise, and lcm's noise per step.
void use_noise_file(const std::string& path, DenoiseState& state) {
  StageFile file = read_stage_file(path);
  Tensor noise = take_f32(file, "noise", path);
  REEL_REQUIRE(noise.shape() == state.latents.shape(), kBadFile,
               str_cat('"', path, "\": \"noise\" is ", noise.shape(), "; the request needs ",
                       state.latents.shape(), '.'));
  std::vector<float> steps;
  if (file.find("step_noise") != nullptr) {
    const Tensor per_step = take_f32(file, "step_noise", path);
    steps.assign(per_step.values<float>().begin(), per_step.values<float>().end());
  }
  state.rng = schedulers::Rng::from_values(std::move(steps));
  state.latents = std::move(noise);
}

Tensor vector_tensor(const std::vector<float>& values, size_t count) {
  Tensor tensor(DType::kF32, {static_cast<int64_t>(count)});
  std::copy_n(values.begin(), count, tensor.view().as<float>());
  return tensor;
}

Tensor copy_of(const Tensor& from) {
  Tensor to(from.dtype(), from.shape());
  std::memcpy(to.bytes().data(), from.bytes().data(), to.bytes().size());
  return to;
}

}  // namespace

void encode_text(const ModelOptions& options, const EncodeTextRequest& request,
                 Progress& progress) {
  const bool needs_tokenizer = request.ids.empty() || request.with_negative;
  const OpenModel model(options, {.tokenizer = needs_tokenizer, .dit = false, .vae = false},
                        progress);
  const StopFlag stop(progress.stop_requested);
  Runtime runtime(options, stop);
  const std::string out = choose_output_path(request.out, 0, true);
  std::vector<std::vector<int32_t>> ids;
  if (request.ids.empty()) {
    ids.push_back(tokenize(model.load_tokenizer(), request.prompt, progress));
  } else {
    ids.emplace_back(request.ids.begin(), request.ids.end());
  }
  if (request.with_negative) {
    ids.push_back(tokenize(model.load_tokenizer(), request.negative_prompt, progress));
  }
  ProgressClock clock(progress);
  const EncodedPrompts prompts = encode_prompts(model, runtime, ids, clock);
  constexpr int64_t kTextLen = tokenizer::kPromptTokens;
  StageFile file;
  add_prompt(file, prompts.prompt, kTextLen);
  if (prompts.negative) {
    StageFile negative;
    add_prompt(negative, *prompts.negative, kTextLen);
    file.add("negative_text_states", std::move(negative.tensors[0].second));
  }
  write_stage_file(out, file);
}

void denoise(const ModelOptions& options, const DenoiseRequest& request, Progress& progress) {
  const OpenModel model(options, {.tokenizer = false, .text_encoder = false, .vae = false},
                        progress);
  const CheckedRun checked = check_sampling(request.sampling, model.facts());
  for (const std::string& warning : checked.warnings) progress.on_warning(warning);
  const RunSettings& settings = checked.settings;
  const StopFlag stop(progress.stop_requested);
  Runtime runtime(options, stop);
  const std::string out = choose_output_path(request.out, settings.seed, true);
  EncodedPrompts prompts = read_prompts(request.text);
  REEL_REQUIRE(!settings.guided() || prompts.negative, kInvalidArgument,
               str_cat("guidance is ", settings.guidance, " but \"", request.text,
                       "\" has no \"negative_text_states\"."),
               "Make the file with reel encode-text --negative-prompt, or use --guidance 1.");
  if (!settings.guided()) prompts.negative.reset();

  DenoiseState state = start_denoising(settings);
  if (!request.noise.empty()) use_noise_file(request.noise, state);
  StageFile file;
  file.add("noise", copy_of(state.latents));
  const size_t steps = settings.levels.timesteps.size();
  const auto elements = state.latents.view().elements();
  std::vector<float> velocities;
  DenoiseHooks hooks;
  if (request.trace_velocity) {
    hooks.on_step = [&](const DenoiseState&, const Tensor& velocity) {
      const auto values = velocity.values<float>();
      velocities.insert(velocities.end(), values.begin(), values.end());
    };
  }
  if (settings.sampler == schedulers::SamplerKind::kLcm && steps > 1) {
    schedulers::Rng preview = state.rng;
    const Shape& one = state.latents.shape();
    Tensor noise(DType::kF32, {static_cast<int64_t>(steps) - 1, one[0], one[1], one[2], one[3]});
    for (size_t step = 0; step + 1 < steps; ++step) {
      preview.fill_normal(noise.values<float>().subspan(step * static_cast<size_t>(elements),
                                                        static_cast<size_t>(elements)));
    }
    file.add("step_noise", std::move(noise));
  }
  ProgressClock clock(progress);
  pipeline::denoise(model, runtime, settings, prompts, state, clock, hooks);
  file.add("timesteps", vector_tensor(settings.levels.timesteps, steps));
  file.add("sigmas", vector_tensor(settings.levels.sigmas, steps));
  if (request.trace_velocity) {
    const Shape& one = state.latents.shape();
    Tensor traced(DType::kF32, {static_cast<int64_t>(steps), one[0], one[1], one[2], one[3]});
    std::copy(velocities.begin(), velocities.end(), traced.view().as<float>());
    file.add("velocity", std::move(traced));
  }
  file.add("latents", std::move(state.latents));
  file.metadata["seed"] = std::to_string(settings.seed);
  write_stage_file(out, file);
}

void decode(const ModelOptions& options, const DecodeRequest& request, Progress& progress) {
  const OpenModel model(options, {.tokenizer = false, .text_encoder = false, .dit = false},
                        progress);
  const StopFlag stop(progress.stop_requested);
  Runtime runtime(options, stop);
  StageFile file = read_stage_file(request.latents);
  const Tensor latents = take_f32(file, "latents", request.latents);
  REEL_REQUIRE(latents.shape().axes() == 4, kBadFile,
               str_cat('"', request.latents, "\": \"latents\" is ", latents.shape(),
                       "; [16, frames, rows, cols] is needed."));
  const VideoSize size = video_size(latents.shape());
  const std::string out = choose_output_path(request.out, 0, request.overwrite);
  ProgressClock clock(progress);
  if (std::filesystem::path(out).extension() == ".safetensors") {
    Tensor frames(DType::kF32, {size.frames, size.height_px, size.width_px, 3}, "the frames");
    float* to = frames.view().as<float>();
    decode_latents(model, runtime, latents, clock, [&](const TensorView& pixels) {
      for (int64_t at = 0; at < pixels.elements(); ++at) {
        *to++ = std::clamp(pixels.as<float>()[at] * 0.5f + 0.5f, 0.0f, 1.0f);
      }
    });
    StageFile decoded;
    decoded.add("frames", std::move(frames));
    write_stage_file(out, decoded);
    return;
  }
  const auto writer = media::make_frame_writer(out, {.width_px = static_cast<int>(size.width_px),
                                                     .height_px = static_cast<int>(size.height_px),
                                                     .frame_rate = {request.fps, 1},
                                                     .quality = request.quality,
                                                     .encoders = {}});
  media::Frame rgb(static_cast<int>(size.height_px), static_cast<int>(size.width_px));
  decode_latents(model, runtime, latents, clock, [&](const TensorView& pixels) {
    media::to_rgb8({pixels.as<float>(), static_cast<size_t>(pixels.elements())},
                   media::PixelRange::kSigned, rgb.rgb);
    writer->add(rgb.view());
  });
  writer->finish({}, &stop);
}

}  // namespace reel
