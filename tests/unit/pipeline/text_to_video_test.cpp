// SPDX-License-Identifier: Apache-2.0
// What becomes of a step that goes wrong, on a GPU that is none: the kernels are the CPU's
// reference, and one of them leaves a NaN where the test says.
#include "pipeline/text_to_video.h"

#include <gmock/gmock.h>
#include <reel/synth.h>

#include <cmath>
#include <cstring>

#include "pipeline/clip_run.h"
#include "support/expect_error.h"
#include "support/fake_gpu.h"
#include "support/random_tensor.h"
#include "support/temp_folder.h"
#include "unit/pipeline/numbers_of.h"

namespace reel::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kLayers = 12;
constexpr int64_t kPromptRows = 5;

// Each block adds to the residual stream through a gate twice: behind its self-attention and behind
// its feed-forward network. A NaN in what is quantised next would be lost there; in the stream it
// stays.
constexpr int kGatedAdds = 2;

// Which of these products leaves a NaN, counted from 0 over all steps; -1 for none.
struct Faults {
  int int8 = -1;  // of those in 8 bits
  int wide = -1;  // of those of the second attempt, in every pass
  // In the pass after that one too, in which the place is looked for.
  bool lasts = true;
};

bool is_next(int count, const Faults& faults) {
  const int again = faults.int8 + kGatedAdds * kLayers;
  return faults.int8 >= 0 && (count == faults.int8 || (faults.lasts && count == again));
}

ops::Kernels faulty_kernels(const Faults& faults) {
  ops::Kernels kernels = cpu::reference_kernels();
  kernels.linear = [faults, int8 = 0, wide = 0](const ops::LinearArgs& args,
                                                Stream stream) mutable {
    cpu::reference_kernels().linear(args, stream);
    if (args.epilogue != ops::Epilogue::kGatedAdd) return;
    const bool is_bad = args.weight.dtype == DType::kI8
                            ? is_next(int8++, faults)
                            : wide++ % (kGatedAdds * kLayers) == faults.wide;
    if (is_bad) static_cast<float*>(args.out)[0] = NAN;
  };
  return kernels;
}

std::filesystem::path model_of_layers() {
  static const test::TempFolder folder;
  static const std::filesystem::path model = [] {
    synthesize({.layout = "distill_fp8", .out = folder / "model", .seed = 5, .layers = kLayers});
    return folder / "model";
  }();
  return model;
}

DenoiseState copy_of(const DenoiseState& state) {
  DenoiseState copy{.next_step = state.next_step,
                    .latents = Tensor(DType::kF32, state.latents.shape()),
                    .rng = state.rng,
                    .sampler = state.sampler};
  std::memcpy(copy.latents.bytes().data(), state.latents.bytes().data(),
              state.latents.bytes().size());
  return copy;
}

class GuardTest : public testing::Test, public Progress {
 protected:
  GuardTest() : model_(options(), Parts{}, *this) {
    settings_ = check_sampling({.seed = 3}, model_.facts()).settings;
    settings_.size = {.frames = 5, .height_px = 64, .width_px = 32};
    prompts_.prompt.states =
        test::random_tensor({kPromptRows, model_.facts().dit.text_dim}, DType::kF32, 8);
  }

  void on_warning(std::string_view text) override { warnings_.emplace_back(text); }

  static ModelOptions options(uint64_t card_bytes = 0, const char* precision = "int8") {
    ModelOptions options;
    options.model = model_of_layers();
    options.precision = precision;
    options.vram_bytes = card_bytes;
    options.ram_bytes = uint64_t{4} << 30;
    return options;
  }
  ClipSize clip() const {
    return {.video = settings_.size,
            .steps = static_cast<int>(settings_.levels.timesteps.size()),
            .prompt_tokens = {kPromptRows}};
  }
  // Of the denoise stage on a card of this size.
  memory::Plan plan(uint64_t card_bytes) {
    Runtime runtime(options(), stop_, std::make_unique<test::FakeGpu>(test::kPlenty));
    return ClipPlanner(model_.files(), gpu_precision("int8"), runtime.machine(),
                       {.text = false, .decode = false})
        .plan(clip(), {.card_bytes = card_bytes});
  }

  // Denoises from `state` and keeps the states after every step.
  std::vector<DenoiseState> run(const Faults& faults, const ModelOptions& options,
                                DenoiseState state) {
    Runtime runtime(options, stop_,
                    std::make_unique<test::FakeGpu>(test::kPlenty, faulty_kernels(faults)));
    obey_plan(model_, {.text = false, .decode = false}, clip(), runtime);
    std::vector<DenoiseState> states;
    DenoiseHooks hooks;
    hooks.on_step = [&](const DenoiseState& now, const Tensor&) { states.push_back(copy_of(now)); };
    ProgressClock clock(*this);
    denoise(model_, runtime, settings_, prompts_, state, clock, hooks);
    return states;
  }
  std::vector<DenoiseState> run(const Faults& faults, const ModelOptions& options) {
    return run(faults, options, start_denoising(settings_));
  }

  StopFlag stop_;
  OpenModel model_;
  RunSettings settings_;
  EncodedPrompts prompts_;
  std::vector<std::string> warnings_;
};

// Block 7 of the second step.
constexpr Faults kOnce{.int8 = kGatedAdds * (kLayers + 7)};

TEST_F(GuardTest, ABadStepIsTakenAgainWithTheSaferKernels) {
  const auto undisturbed = run({}, options());
  ASSERT_THAT(warnings_, IsEmpty());
  const auto safer = run({}, options(0, "bf16"), copy_of(undisturbed[0]));
  const auto rest = run({}, options(), copy_of(safer[0]));

  const auto states = run(kOnce, options());

  ASSERT_EQ(states.size(), undisturbed.size());
  EXPECT_EQ(test::numbers_of(states[0]), test::numbers_of(undisturbed[0]));
  EXPECT_EQ(test::numbers_of(states[1]), test::numbers_of(safer[0])) << "as with the safer kernels";
  EXPECT_NE(test::numbers_of(states[1]), test::numbers_of(undisturbed[1]));
  EXPECT_EQ(test::numbers_of(states.back()), test::numbers_of(rest.back()))
      << "and on with the fast ones";
  EXPECT_THAT(warnings_,
              ElementsAre("Step 2 ended in numbers that are not finite with int8 products and "
                          "8-bit attention, first behind the self-attention of block 7; it is "
                          "taken again with bf16 products and attention."));
}

TEST_F(GuardTest, Fp8ValuesAreAsNearAndGiveWayToTheSameSaferKernels) {
  const ModelOptions fp8_values = options(0, "int8-fp8pv");
  const auto f16 = run({}, options());
  const auto undisturbed = run({}, fp8_values);
  const std::vector<float> want = test::numbers_of(f16[0]);
  const std::vector<float> got = test::numbers_of(undisturbed[0]);
  double difference = 0;
  double size = 0;
  for (size_t at = 0; at < want.size(); ++at) {
    difference += std::pow(double{got[at]} - want[at], 2);
    size += std::pow(double{want[at]}, 2);
  }
  EXPECT_GT(difference, 0) << "f16 values were taken";
  EXPECT_LT(std::sqrt(difference / size), 2e-2);
  const auto safer = run({}, options(0, "bf16"), copy_of(undisturbed[0]));

  const auto states = run(kOnce, fp8_values);

  EXPECT_EQ(test::numbers_of(states[1]), test::numbers_of(safer[0]));
  EXPECT_THAT(warnings_,
              ElementsAre(HasSubstr("int8 products and 8-bit attention with FP8 values, first ")));
}

TEST_F(GuardTest, CleanLatentsAreToldAfterEveryStep) {
  Runtime runtime(options(), stop_, std::make_unique<test::FakeGpu>(test::kPlenty));
  obey_plan(model_, {.text = false, .decode = false}, clip(), runtime);
  DenoiseState state = start_denoising(settings_);
  std::vector<DenoiseState> before;
  before.push_back(copy_of(state));
  std::vector<std::vector<float>> clean;
  std::vector<int> told;
  DenoiseHooks hooks;
  hooks.on_clean = [&](const Tensor& latents, int step, int steps) {
    const auto values = latents.values<float>();
    clean.emplace_back(values.begin(), values.end());
    told.push_back(step);
    EXPECT_EQ(steps, 4);
  };
  hooks.on_step = [&](const DenoiseState& now, const Tensor& velocity) {
    const size_t at = before.size() - 1;
    const float sigma = settings_.levels.sigmas[at];
    const std::vector<float> noisy = test::numbers_of(before.back());
    for (size_t index = 0; index < noisy.size(); ++index) {
      ASSERT_FLOAT_EQ(clean[at][index], noisy[index] - sigma * velocity.values<float>()[index]);
    }
    before.push_back(copy_of(now));
  };
  ProgressClock clock(*this);

  denoise(model_, runtime, settings_, prompts_, state, clock, hooks);

  EXPECT_THAT(told, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(clean.back(), test::numbers_of(state)) << "the last step's estimate is the clip";
}

TEST_F(GuardTest, TheSecondAttemptNeedsNoMoreThanWasPlanned) {
  const memory::Plan most = plan(test::kPlenty);
  ASSERT_TRUE(most.second_attempt);
  const uint64_t needed =
      std::max(most.least_cap_bytes, most.context_bytes + most.second_attempt->arena_bytes);
  const uint64_t card = memory::card_bytes_for(needed);
  const memory::Plan tight = plan(card);
  ASSERT_TRUE(tight.fits) << tight.refusal;
  ASSERT_TRUE(tight.second_attempt);
  EXPECT_GT(tight.phase(memory::Phase::kDenoise)->streamed(), 0);
  EXPECT_EQ(tight.second_attempt->streamed(), kLayers);
  EXPECT_LE(tight.arena_bytes, needed - tight.context_bytes);

  const auto states = run(kOnce, options(card));

  EXPECT_EQ(test::numbers_of(states.back()), test::numbers_of(run(kOnce, options()).back()));
}

TEST_F(GuardTest, AFaultThatDoesNotComeAgainHasNoPlace) {
  Faults passing = kOnce;
  passing.lasts = false;

  EXPECT_EQ(run(passing, options()).size(), 4u);

  EXPECT_THAT(warnings_,
              ElementsAre(HasSubstr("with int8 products and 8-bit attention; it is taken again")));
}

TEST_F(GuardTest, ABadLastStepIsTakenAgainToo) {
  const auto undisturbed = run({}, options());
  const size_t last = undisturbed.size() - 1;

  const auto states = run({.int8 = static_cast<int>(last) * kLayers * kGatedAdds}, options());

  EXPECT_EQ(test::numbers_of(states.back()),
            test::numbers_of(run({}, options(0, "bf16"), copy_of(undisturbed[last - 1])).back()));
}

TEST_F(GuardTest, AnErrorNamesThePartTheBlockAndTheKernels) {
  EXPECT_REEL_ERROR(run({.int8 = 3, .wide = 2 * kGatedAdds}, options()), kBadFile,
                    "The self-attention of block 2 of the DiT gives numbers that are not finite, "
                    "also with bf16 products and attention.");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("Step 1 ended in")));
}

TEST_F(GuardTest, WithoutRoomForASecondAttemptTheErrorSaysSo) {
  const memory::Plan most = plan(test::kPlenty);
  ASSERT_GT(most.context_bytes + most.second_attempt->arena_bytes, most.least_cap_bytes)
      << "this test needs a model whose second attempt takes more";
  const uint64_t card = memory::card_bytes_for(most.least_cap_bytes);
  ASSERT_TRUE(plan(card).fits);
  ASSERT_FALSE(plan(card).second_attempt);

  EXPECT_REEL_ERROR(run(kOnce, options(card)), kBadFile, "there is no room in GPU memory");
}

}  // namespace
}  // namespace reel::pipeline
