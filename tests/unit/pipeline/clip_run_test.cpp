// SPDX-License-Identifier: Apache-2.0
// Stages under the plan of a whole clip and under one of their own, on a GPU that is none.
#include "pipeline/clip_run.h"

#include <gmock/gmock.h>
#include <reel/synth.h>

#include <atomic>
#include <cstring>

#include "core/memory_layer.h"
#include "memory/tags.h"
#include "pipeline/text_to_video.h"
#include "support/fake_gpu.h"
#include "support/temp_folder.h"
#include "unit/pipeline/numbers_of.h"

namespace reel::pipeline {
namespace {

using memory::Phase;
using testing::Contains;

const std::vector<int32_t> kIds = {7, 21, 3, 90, 1};

std::filesystem::path tiny_model() {
  static const test::TempFolder folder;
  static const std::filesystem::path model = [] {
    synthesize(
        {.layout = "distill_fp8", .out = folder / "model", .seed = 6, .layers = 6, .t5_layers = 5});
    return folder / "model";
  }();
  return model;
}

class ClipRunTest : public testing::Test, public Progress {
 protected:
  ClipRunTest() : model_(options(0), Parts{}, *this) {
    settings_ = check_sampling({.seed = 3}, model_.facts()).settings;
    settings_.size = {.frames = 5, .height_px = 64, .width_px = 32};
  }

  static ModelOptions options(uint64_t card_bytes) {
    ModelOptions options;
    options.model = tiny_model();
    options.vram_bytes = card_bytes;
    options.ram_bytes = uint64_t{4} << 30;
    return options;
  }
  ClipSize clip() const {
    return {.video = settings_.size,
            .steps = static_cast<int>(settings_.levels.timesteps.size()),
            .prompt_tokens = {static_cast<int64_t>(kIds.size())}};
  }

  // A run of these stages on a card of that size, and what it was promised.
  struct Run {
    std::unique_ptr<Runtime> runtime;
    memory::Plan plan;
  };
  Run start(const ClipStages& stages, uint64_t card_bytes) {
    Run run{.runtime = std::make_unique<Runtime>(options(card_bytes), stop_,
                                                 std::make_unique<test::FakeGpu>(test::kPlenty)),
            .plan = {}};
    const auto planned = obey_plan(model_, stages, clip(), *run.runtime);
    run.plan = planned->planner.plan_or_refuse(clip(), run.runtime->budget());
    run.runtime->restart_memory_peaks();
    return run;
  }
  Run start_tight(const ClipStages& stages) {
    const uint64_t least = start(stages, 0).plan.least_cap_bytes;
    return start(stages, memory::card_bytes_for(least));
  }

  EncodedPrompts encode(const Run& run) {
    ProgressClock clock(*this);
    return encode_prompts(model_, *run.runtime, {kIds}, clock);
  }
  Tensor denoised(const Run& run, const EncodedPrompts& prompts) {
    ProgressClock clock(*this);
    DenoiseState state = start_denoising(settings_);
    denoise(model_, *run.runtime, settings_, prompts, state, clock, {});
    return std::move(state.latents);
  }
  std::vector<float> decoded(const Run& run, const Tensor& latents) {
    ProgressClock clock(*this);
    std::vector<float> pixels;
    decode_latents(model_, *run.runtime, latents, clock, [&](const TensorView& frame) {
      pixels.insert(pixels.end(), frame.as<float>(), frame.as<float>() + frame.elements());
    });
    return pixels;
  }

  static uint64_t past_frames_bytes(const Run& run) {
    for (const memory::PlanRow& row : run.plan.phase(Phase::kDecode)->rows) {
      if (row.tag == std::string(memory::tags::kPastFrames)) return row.bytes;
    }
    return 0;
  }

  // What was taken since start() is what the plan names, and no more than it says.
  static void expect_as_planned(const Run& run, Phase phase) {
    const memory::PhasePlan& planned = *run.plan.phase(phase);
    std::vector<std::string> named;
    for (const memory::PlanRow& row : planned.rows) named.push_back(row.tag);
    const MemoryUse& use = run.runtime->memory_use();
    for (const auto& [tag, one] : use.by_tag()) {
      if (one.peak_bytes == 0) continue;
      EXPECT_THAT(named, Contains(tag)) << memory::phase_name(phase);
    }
    EXPECT_GT(use.peak_bytes(), 0u);
    EXPECT_LE(use.peak_bytes(), run.plan.arena_bytes + kRoundingBytes);
    run.runtime->restart_memory_peaks();
  }
  static constexpr uint64_t kRoundingBytes = uint64_t{1} << 20;  // as Runtime::obey()

  void on_event(const ProgressEvent& event) override { events_.push_back(event); }

  StopFlag stop_;
  std::vector<ProgressEvent> events_;
  OpenModel model_;
  RunSettings settings_;
};

TEST_F(ClipRunTest, StagesAloneAndTightMakeWhatTheWholeClipHas) {
  const Run whole = start({}, 0);
  const EncodedPrompts prompts = encode(whole);
  expect_as_planned(whole, Phase::kText);
  const Tensor latents = denoised(whole, prompts);
  expect_as_planned(whole, Phase::kDenoise);
  const std::vector<float> pixels = decoded(whole, latents);
  expect_as_planned(whole, Phase::kDecode);
  ASSERT_EQ(whole.plan.phase(Phase::kDenoise)->streamed(), 0);

  const Run text = start_tight({.denoise = false, .decode = false});
  EXPECT_EQ(text.plan.phases.size(), 1u);
  EXPECT_GT(text.plan.phase(Phase::kText)->streamed(), 0);
  EXPECT_EQ(test::numbers_of(encode(text).prompt.states), test::numbers_of(prompts.prompt.states));
  expect_as_planned(text, Phase::kText);

  const Run denoise = start_tight({.text = false, .decode = false});
  EXPECT_EQ(denoise.plan.phases.size(), 1u);
  EXPECT_GT(denoise.plan.phase(Phase::kDenoise)->streamed(), 0);
  EXPECT_EQ(test::numbers_of(denoised(denoise, prompts)), test::numbers_of(latents));
  expect_as_planned(denoise, Phase::kDenoise);

  const Run decode = start({.text = false, .denoise = false}, 0);
  EXPECT_EQ(decode.plan.phases.size(), 1u);
  EXPECT_EQ(decoded(decode, latents), pixels);
  expect_as_planned(decode, Phase::kDecode);
}

// Counts what is asked of the driver: GPU memory and pinned memory.
class CountingGpu : public test::FakeGpu {
 public:
  CountingGpu() : FakeGpu(test::kPlenty) {}

  MemorySpace& memory() override { return memory_; }
  CopyEngine& copies() override { return copies_; }
  int allocations() const { return memory_.count + copies_.count; }

 private:
  struct Memory : MemoryLayer {
    Memory() : MemoryLayer(host_memory()) {}
    std::byte* allocate(size_t size_bytes, const char* tag) override {
      ++count;
      return below_.allocate(size_bytes, tag);
    }
    void free(std::byte* data) override { below_.free(data); }
    std::atomic<int> count{0};
  };
  struct Copies : HostCopyEngine {
    std::byte* allocate_pinned(size_t size_bytes, const char* tag) override {
      ++count;
      return HostCopyEngine::allocate_pinned(size_bytes, tag);
    }
    std::atomic<int> count{0};
  };

  Memory memory_;
  Copies copies_;
};

TEST_F(ClipRunTest, AsksTheDriverForNothingBetweenTheFirstAndTheLastStep) {
  constexpr ClipStages kDenoiseAlone{.text = false, .decode = false};
  const EncodedPrompts prompts = encode(start({}, 0));
  const uint64_t least = start(kDenoiseAlone, 0).plan.least_cap_bytes;
  auto gpu = std::make_unique<CountingGpu>();
  const CountingGpu& counted = *gpu;
  Runtime runtime(options(memory::card_bytes_for(least)), stop_, std::move(gpu));
  obey_plan(model_, kDenoiseAlone, clip(), runtime);
  std::vector<int> counts;
  DenoiseHooks hooks;
  hooks.on_step = [&](const DenoiseState&, const Tensor&) {
    counts.push_back(counted.allocations());
  };
  ProgressClock clock(*this);
  DenoiseState state = start_denoising(settings_);

  denoise(model_, runtime, settings_, prompts, state, clock, hooks);

  ASSERT_EQ(counts.size(), 4u);
  EXPECT_GT(counts[0], 1) << "the region, and the pinned ring";
  EXPECT_THAT(counts, testing::Each(counts[0]));
}

TEST_F(ClipRunTest, DecodesInStripsWhereThePlanSaysSo) {
  settings_.size.height_px = 128;
  const Tensor latents = start_denoising(settings_).latents;
  const ClipStages alone{.text = false, .denoise = false};
  const Run roomy = start(alone, 0);
  ASSERT_EQ(roomy.plan.phase(Phase::kDecode)->strips, 1);
  const std::vector<float> pixels = decoded(roomy, latents);

  const uint64_t less = roomy.plan.least_cap_bytes - 1;
  const Run tight = start(alone, memory::card_bytes_for(less) - (uint64_t{1} << 20));

  EXPECT_GT(tight.plan.phase(Phase::kDecode)->strips, 1);
  EXPECT_EQ(decoded(tight, latents), pixels);
  expect_as_planned(tight, Phase::kDecode);
}

// Two tiles: the plan is of one, and the host's memory of the pictures.
TEST_F(ClipRunTest, BlendsTilesWhereTheModelIsOpenedSo) {
  settings_.size = {.frames = 5, .height_px = 16, .width_px = 272};
  const Tensor latents = start_denoising(settings_).latents;
  const ClipStages alone{.text = false, .denoise = false};
  const Run untiled = start(alone, 0);
  const std::vector<float> pixels = decoded(untiled, latents);
  ModelOptions tiling = options(0);
  tiling.vae_tiling = "blended";
  const OpenModel model(tiling, Parts{}, *this);
  std::vector<float> tiles;
  const auto take = [&](const TensorView& frame) {
    tiles.insert(tiles.end(), frame.as<float>(), frame.as<float>() + frame.elements());
  };

  Run run{.runtime = std::make_unique<Runtime>(tiling, stop_,
                                               std::make_unique<test::FakeGpu>(test::kPlenty)),
          .plan = {}};
  const auto planned = obey_plan(model, alone, clip(), *run.runtime);
  run.plan = planned->planner.plan_or_refuse(clip(), run.runtime->budget());
  run.runtime->restart_memory_peaks();
  events_.clear();
  ProgressClock clock(*this);
  decode_latents(model, *run.runtime, latents, clock, take);

  EXPECT_LT(past_frames_bytes(run), past_frames_bytes(untiled));
  EXPECT_GT(run.plan.host_bytes, untiled.plan.host_bytes + pixels.size() * sizeof(float));
  expect_as_planned(run, Phase::kDecode);
  EXPECT_EQ(tiles.size(), pixels.size());
  EXPECT_NE(tiles, pixels);
  // Progress is that of all tiles, in frames.
  ASSERT_EQ(events_.size(), 1u + 2 * 5);
  for (size_t at = 0; at < events_.size(); ++at) {
    EXPECT_DOUBLE_EQ(events_[at].done + events_[at].part, static_cast<double>(at) / 2);
    EXPECT_EQ(events_[at].total, 5);
  }
}

TEST_F(ClipRunTest, SaysWhyFp8WeightsAreMultipliedAsInt8) {
  const auto why = [&](const char* precision, bool on_gpu) {
    ModelOptions chosen = options(0);
    chosen.precision = precision;
    const Runtime runtime(chosen, stop_,
                          on_gpu ? std::make_unique<test::FakeGpu>(test::kPlenty) : nullptr);
    return why_int8(model_, runtime);
  };

  EXPECT_THAT(why("auto", true), testing::HasSubstr("as rotated INT8"));
  EXPECT_EQ(why("fp8", true), "");
  EXPECT_EQ(why("int8", false), "");
}

TEST_F(ClipRunTest, TheCpuHasNoPlan) {
  ModelOptions on_cpu = options(0);
  on_cpu.device = "cpu";
  Runtime runtime(on_cpu, stop_);
  EXPECT_FALSE(obey_plan(model_, {}, clip(), runtime));
}

}  // namespace
}  // namespace reel::pipeline
