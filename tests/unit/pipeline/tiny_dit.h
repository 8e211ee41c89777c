// SPDX-License-Identifier: Apache-2.0
// A small random DiT on the CPU, ready to denoise one frame of 32 x 32 pixels in two steps.
#pragma once

#include <gtest/gtest.h>
#include <reel/synth.h>

#include <optional>

#include "pipeline/open_model.h"
#include "pipeline/text_to_video.h"
#include "support/random_tensor.h"
#include "support/temp_folder.h"

namespace reel::test {

class TinyDit : public testing::Test {
 protected:
  static constexpr int kLayers = 3;

  // A head has 128 of the `dim`.
  explicit TinyDit(int dim = 256, int layers = kLayers) {
    options_.model = folder_ / "model";
    options_.device = "cpu";
    options_.precision = "f32";
    synthesize({.layout = "distill_fp8",
                .preset = "tiny",
                .out = options_.model,
                .seed = 4,
                .dim = dim,
                .layers = layers});
    const pipeline::Parts parts{.tokenizer = false, .text_encoder = false, .vae = false};
    model_.emplace(options_, parts, progress_);
    settings_ =
        pipeline::check_sampling(
            {.seed = 1, .width_px = 32, .height_px = 32, .frames = 1, .steps = 2}, model_->facts())
            .settings;
    prompts_.prompt.states = states(6);
  }

  Tensor states(uint64_t seed) const {
    return random_tensor({5, model_->facts().dit.text_dim}, DType::kF32, seed);
  }

  TempFolder folder_;
  Progress progress_;
  StopFlag stop_;
  ModelOptions options_;
  std::optional<pipeline::OpenModel> model_;
  pipeline::RunSettings settings_;
  pipeline::EncodedPrompts prompts_;
};

}  // namespace reel::test
