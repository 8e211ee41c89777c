// SPDX-License-Identifier: Apache-2.0
// A TAE beside the DiT, under the plan of a GPU that is none.
#include "pipeline/preview_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/synth.h>

#include "memory/tags.h"
#include "pipeline/clip_run.h"
#include "pipeline/network_load.h"
#include "pipeline/preview_painter.h"
#include "support/fake_gpu.h"
#include "support/random_tensor.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

using memory::Phase;
using testing::Contains;
using testing::Not;

constexpr uint64_t kRoundingBytes = uint64_t{1} << 20;  // as Runtime::obey()

class PreviewDecoderTest : public testing::Test, public Progress {
 protected:
  PreviewDecoderTest() {
    synthesize({.layout = "distill_fp8", .out = folder_ / "model", .seed = 6, .layers = 6});
    synthesize({.layout = "decoder:taew2_1.pth", .out = folder_ / "tae"});
    settings_ = check_sampling({.seed = 3}, open("").facts()).settings;
    settings_.size = {.frames = 5, .height_px = 64, .width_px = 32};
    prompts_.prompt.states = test::random_tensor({5, 256}, DType::kF32, 8);
  }

  std::string tae() const { return folder_ / "tae/taew2_1.pth"; }
  ModelOptions options(const std::string& preview_decoder, uint64_t card_bytes) const {
    ModelOptions options;
    options.model = folder_ / "model";
    options.preview_decoder = preview_decoder;
    options.vram_bytes = card_bytes;
    options.ram_bytes = uint64_t{4} << 30;
    return options;
  }
  OpenModel open(const std::string& preview_decoder) {
    return {options(preview_decoder, 0), Parts{}, *this};
  }

  struct Made {
    std::vector<float> latents;
    std::vector<std::vector<uint8_t>> pictures;  // the frames of every step
    memory::Plan plan;
    std::vector<std::string> tags;  // that took memory
    uint64_t peak_bytes = 0;
  };

  // Denoises on a card of that size, with a preview after each step.
  Made denoised(const std::string& preview_decoder, uint64_t card_bytes) {
    const OpenModel model = open(preview_decoder);
    Runtime runtime(options(preview_decoder, card_bytes), stop_,
                    std::make_unique<test::FakeGpu>(test::kPlenty));
    const auto planned = obey_plan(model, {.text = false, .decode = false}, clip(), runtime);
    Made made{.plan = planned->planner.plan_or_refuse(clip(), runtime.budget())};
    runtime.restart_memory_peaks();
    PreviewPainter painter(model, settings_.size, runtime);
    DenoiseState state = start_denoising(settings_);
    ProgressClock clock(*this);
    const auto show = [&](const Tensor& clean, int, int) {
      for (media::Frame& frame : painter.paint(clean, 6)) {
        made.pictures.push_back(std::move(frame.rgb));
      }
    };
    denoise(model, runtime, settings_, prompts_, state, clock,
            {.before_step = {}, .on_step = {}, .on_clean = show});
    made.latents.assign(state.latents.values<float>().begin(), state.latents.values<float>().end());
    for (const auto& [tag, use] : runtime.memory_use().by_tag()) {
      if (use.peak_bytes > 0) made.tags.emplace_back(tag);
    }
    made.peak_bytes = runtime.memory_use().peak_bytes();
    return made;
  }
  ClipSize clip() const {
    return {.video = settings_.size,
            .steps = static_cast<int>(settings_.levels.timesteps.size()),
            .prompt_tokens = {5}};
  }

  test::TempFolder folder_;
  StopFlag stop_;
  RunSettings settings_;
  EncodedPrompts prompts_;
};

TEST_F(PreviewDecoderTest, TakesWhatThePlanSaysAndChangesNoLatent) {
  const Made without = denoised("", 0);
  const Made roomy = denoised(tae(), 0);
  const Made tight = denoised(tae(), memory::card_bytes_for(roomy.plan.least_cap_bytes));

  EXPECT_EQ(roomy.latents, without.latents);
  EXPECT_EQ(tight.latents, without.latents);
  ASSERT_EQ(roomy.pictures.size(), 4u * 2);  // of two latent frames
  EXPECT_EQ(tight.pictures, roomy.pictures);
  EXPECT_NE(roomy.pictures.back(), without.pictures.back());

  EXPECT_GT(tight.plan.phase(Phase::kDenoise)->streamed(), 0);
  EXPECT_THAT(without.tags, Not(Contains(std::string(memory::tags::kPreviewDecoder))));
  for (const Made* made : {&roomy, &tight}) {
    std::vector<std::string> named;
    for (const memory::PlanRow& row : made->plan.phase(Phase::kDenoise)->rows) {
      named.push_back(row.tag);
    }
    EXPECT_THAT(made->tags, Contains(std::string(memory::tags::kPreviewDecoder)));
    for (const std::string& tag : made->tags) EXPECT_THAT(named, Contains(tag));
    EXPECT_LE(made->peak_bytes, made->plan.arena_bytes + kRoundingBytes);
  }
}

// Of the published widths, whose weights are padded where they are packed.
TEST_F(PreviewDecoderTest, HoldsNoMoreThanItSays) {
  synthesize({.layout = "decoder:taew2_1.safetensors",
              .preset = "wan2.1-t2v-14b",
              .out = folder_ / "wide"});
  const OpenModel model = open(folder_ / "wide/taew2_1.safetensors");
  Runtime runtime(options("", 0), stop_, std::make_unique<test::FakeGpu>(test::kPlenty));

  const PreviewDecoder decoder(*model.files().preview, model.preview_decoder(), settings_.size,
                               runtime);

  const DType compute = runtime.vae_numbers().precision.compute;
  const uint64_t said =
      held_bytes(network_load(model.preview_decoder().needed(), *model.files().preview,
                              {.compute = compute, .matrices = compute}),
                 model.preview_decoder().footprint(settings_.size, compute, 1));
  EXPECT_LE(runtime.memory_use().peak_bytes(), said);
  EXPECT_GT(2 * runtime.memory_use().peak_bytes(), said);
}

TEST_F(PreviewDecoderTest, IsPlannedForTheSecondAttemptToo) {
  const auto bytes = [](const memory::Plan& plan) {
    return plan.phase(Phase::kSecondAttempt)->arena_bytes;
  };
  EXPECT_GT(bytes(denoised(tae(), 0).plan), bytes(denoised("", 0).plan));
}

}  // namespace
}  // namespace reel::pipeline
