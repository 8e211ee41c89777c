// SPDX-License-Identifier: Apache-2.0
// Several clips through one DiT.
#include "pipeline/step_taker.h"

#include <gtest/gtest.h>
#include <reel/synth.h>

#include "support/random_tensor.h"
#include "support/temp_folder.h"
#include "unit/pipeline/numbers_of.h"

namespace reel::pipeline {
namespace {

TEST(StepTaker, TakesTheStepsOfSeveralClipsAsIfAlone) {
  const test::TempFolder folder;
  synthesize({.layout = "distill_fp8", .out = folder / "model", .seed = 9});
  ModelOptions options;
  options.model = folder / "model";
  options.device = "cpu";
  Progress progress;
  const OpenModel model(options, Parts{}, progress);
  RunSettings settings = check_sampling({.seed = 3}, model.facts()).settings;
  settings.size = {.frames = 5, .height_px = 32, .width_px = 16};
  EncodedPrompts prompts;
  prompts.prompt.states = test::random_tensor({4, model.facts().dit.text_dim}, DType::kF32, 8);
  const StopFlag stop;
  ProgressClock clock(progress);
  std::vector<std::vector<float>> alone;
  for (const uint64_t seed : {3, 4}) {
    Runtime runtime(options, stop);
    settings.seed = seed;
    DenoiseState state = start_denoising(settings);
    denoise(model, runtime, settings, prompts, state, clock);
    alone.push_back(test::numbers_of(state));
  }

  // One step of each, then the rest of each.
  Runtime runtime(options, stop);
  StepTaker taker(model, runtime, settings, prompts, clock);
  std::vector<DenoiseState> states;
  for (const uint64_t seed : {3, 4}) {
    settings.seed = seed;
    states.push_back(start_denoising(settings));
    taker.begin(states.back());
    taker.take_next({});
    EXPECT_EQ(states.back().next_step, 1);
  }
  for (size_t at = 0; at < states.size(); ++at) {
    taker.begin(states[at]);
    while (states[at].next_step < taker.steps()) taker.take_next({});
    EXPECT_EQ(test::numbers_of(states[at]), alone[at]);
  }
  EXPECT_NE(alone[0], alone[1]);
}

}  // namespace
}  // namespace reel::pipeline
