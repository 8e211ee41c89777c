// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage_inputs.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "pipeline/latent_check.h"

namespace reel::pipeline {
namespace {

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

// take_f32, and no NaN or infinity in it.
Tensor take_finite(StageFile& file, const std::string& name, const std::string& path) {
  Tensor tensor = take_f32(file, name, path);
  REEL_REQUIRE(all_finite(tensor.values<float>()), kBadFile,
               str_cat('"', path, "\": \"", name, "\" holds numbers that are not finite."),
               "Make the file again.");
  return tensor;
}

Tensor take_states(StageFile& file, const std::string& name, const std::string& path,
                   int64_t text_dim) {
  Tensor states = take_finite(file, name, path);
  const Shape& shape = states.shape();
  REEL_REQUIRE(shape.axes() == 2 && shape[0] >= 1 && shape[0] <= tokenizer::kPromptTokens &&
                   shape.width() == text_dim,
               kBadFile,
               str_cat('"', path, "\": \"", name, "\" is ", shape, "; [1 to ",
                       tokenizer::kPromptTokens, ", ", text_dim, "] is needed for this model."),
               "Make it with reel encode-text and the text encoder of the same model.");
  return states;
}

EncodedPrompts take_all_prompts(StageFile& file, const std::string& path, int64_t text_dim) {
  const Tensor states = take_states(file, "text_states", path, text_dim);
  const int64_t rows = real_rows(file, states);
  EncodedPrompts prompts{.prompt = {.ids = {}, .states = first_rows(states, rows)},
                         .negative = std::nullopt};
  if (file.find("negative_text_states") != nullptr) {
    const Tensor negative = take_states(file, "negative_text_states", path, text_dim);
    StageFile without_mask;
    const int64_t negative_rows = real_rows(without_mask, negative);
    prompts.negative = {.ids = {}, .states = first_rows(negative, negative_rows)};
  }
  return prompts;
}

}  // namespace

EncodedPrompts take_prompts(const RunSettings& settings, StageFile& file, const std::string& path,
                            int64_t text_dim) {
  EncodedPrompts prompts = take_all_prompts(file, path, text_dim);
  REEL_REQUIRE(!settings.guided() || prompts.negative, kInvalidArgument,
               str_cat("guidance is ", settings.guidance, " but \"", path,
                       "\" has no \"negative_text_states\"."),
               "Make the file with reel encode-text --negative-prompt, or use --guidance 1.");
  if (!settings.guided()) prompts.negative.reset();
  return prompts;
}

void use_noise_file(const std::string& path, int64_t drawing_steps, DenoiseState& state) {
  const auto require_shape = [&](const char* name, const Shape& shape, const Shape& needed) {
    REEL_REQUIRE(
        shape == needed, kBadFile,
        str_cat('"', path, "\": \"", name, "\" is ", shape, "; the request needs ", needed, '.'),
        "Use the size, frames and steps that the noise was made for.");
  };
  StageFile file = read_stage_file(path);
  Tensor noise = take_finite(file, "noise", path);
  const Shape& one = state.latents.shape();
  require_shape("noise", noise.shape(), one);
  std::vector<float> steps;
  if (drawing_steps > 0) {
    const Tensor per_step = take_finite(file, "step_noise", path);
    require_shape("step_noise", per_step.shape(), {drawing_steps, one[0], one[1], one[2], one[3]});
    steps.assign(per_step.values<float>().begin(), per_step.values<float>().end());
  }
  state.rng = schedulers::Rng::from_values(std::move(steps));
  state.latents = std::move(noise);
}

Tensor take_latents(StageFile& file, const std::string& path) {
  Tensor latents = take_finite(file, "latents", path);
  const Shape& shape = latents.shape();
  REEL_REQUIRE(
      shape.axes() == 4 && shape[0] == 16 && shape.elements() > 0, kBadFile,
      str_cat('"', path, "\": \"latents\" is ", shape, "; [16, frames, rows, cols] is needed."),
      "Make the file with reel denoise.");
  return latents;
}

}  // namespace reel::pipeline
