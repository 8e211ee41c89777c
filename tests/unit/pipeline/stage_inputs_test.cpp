// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage_inputs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/expect_error.h"

namespace reel::pipeline {
namespace {

constexpr int64_t kDim = 3, kRows = 6;

// Rows of 1, 2, ... and then of zeros.
Tensor states(int64_t real) {
  Tensor tensor(DType::kF32, {kRows, kDim});
  for (int64_t row = 0; row < kRows; ++row) {
    const float value = row < real ? static_cast<float>(row + 1) : 0.0f;
    std::fill_n(tensor.view().as<float>() + row * kDim, kDim, value);
  }
  return tensor;
}

StageFile text_file(int64_t real) {
  StageFile file;
  file.add("text_states", states(real));
  return file;
}

RunSettings settings(float guidance) {
  SamplingOptions options;
  options.guidance = guidance;
  return check_sampling(options, {}).settings;
}

Tensor zeros(const Shape& shape) {
  Tensor tensor(DType::kF32, shape);
  std::ranges::fill(tensor.values<float>(), 0.0f);
  return tensor;
}

TEST(StageInputs, PromptEndsBeforeTheZeros) {
  StageFile file = text_file(4);

  const EncodedPrompts prompts = take_prompts(settings(1), file, "t", kDim);

  ASSERT_EQ(prompts.prompt.states.shape(), Shape({4, kDim}));
  EXPECT_EQ(prompts.prompt.states.values<float>().back(), 4.0f);
}

TEST(StageInputs, PromptOfZerosHasARow) {
  StageFile file = text_file(0);

  EXPECT_EQ(take_prompts(settings(1), file, "t", kDim).prompt.states.shape()[0], 1);
}

TEST(StageInputs, MaskSaysWhereThePromptEnds) {
  StageFile file = text_file(4);
  Tensor mask(DType::kI64, {kRows});
  for (int64_t row = 0; row < kRows; ++row) mask.view().as<int64_t>()[row] = row < 5 ? 1 : 0;
  file.add("mask", std::move(mask));

  EXPECT_EQ(take_prompts(settings(1), file, "t", kDim).prompt.states.shape()[0], 5);
}

TEST(StageInputs, GuidanceNeedsTheNegativePromptAndNothingElseTakesIt) {
  StageFile without = text_file(4);
  EXPECT_REEL_ERROR(take_prompts(settings(3), without, "t", kDim), kInvalidArgument,
                    "no \"negative_text_states\"");

  StageFile with = text_file(4);
  with.add("negative_text_states", states(2));
  EXPECT_EQ(take_prompts(settings(3), with, "t", kDim).negative->states.shape()[0], 2);

  StageFile unguided = text_file(4);
  unguided.add("negative_text_states", states(2));
  EXPECT_FALSE(take_prompts(settings(1), unguided, "t", kDim).negative.has_value());
}

TEST(StageInputs, LatentsHave16Channels) {
  StageFile file;
  file.add("latents", zeros({16, 1, 2, 3}));
  EXPECT_EQ(take_latents(file, "l").shape(), Shape({16, 1, 2, 3}));

  StageFile other;
  other.add("latents", zeros({8, 1, 2, 3}));
  EXPECT_REEL_ERROR(take_latents(other, "l"), kBadFile, "[16, frames, rows, cols] is needed");
}

}  // namespace
}  // namespace reel::pipeline
