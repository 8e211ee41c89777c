// SPDX-License-Identifier: Apache-2.0
#include "pipeline/denoiser.h"

#include <gmock/gmock.h>

#include "unit/pipeline/tiny_dit.h"

namespace reel::pipeline {
namespace {

using testing::ElementsAre;

class DenoiserTest : public test::TinyDit {
 protected:
  DenoiserTest() : runtime_(options_, stop_) {}

  Tensor velocity(const Denoiser::Options& options = {
                      .on_part = [](double) {}, .is_checked = false, .on_residual = {}}) {
    Denoiser denoiser(*model_, runtime_, runtime_.numbers(), settings_, prompts_);
    const DenoiseState start = start_denoising(settings_);
    Tensor out(DType::kF32, start.latents.shape());
    denoiser.velocity(start.latents, 1, out, options);
    return out;
  }

  Runtime runtime_;
};

TEST_F(DenoiserTest, GoesAwayFromTheNegativePromptByTheGuidance) {
  const Tensor with = velocity();
  prompts_.prompt.states = states(7);
  const Tensor without = velocity();
  prompts_.prompt.states = states(6);
  prompts_.negative.emplace().states = states(7);
  settings_.guidance = 3;

  const Tensor guided = velocity();

  const Tensor want(DType::kF32, with.shape());
  for (size_t at = 0; at < want.values<float>().size(); ++at) {
    const float base = without.values<float>()[at];
    want.values<float>()[at] = base + 3 * (with.values<float>()[at] - base);
  }
  EXPECT_GT(test::relative_error(with, without), 1e-3);
  EXPECT_LT(test::relative_error(guided, want), 1e-5);
}

TEST_F(DenoiserTest, TellsItsProgressAndShowsTheBlocksOfThePrompt) {
  prompts_.negative.emplace().states = states(7);
  settings_.guidance = 2;
  std::vector<double> parts;
  std::vector<int> blocks;

  velocity({.on_part = [&](double part) { parts.push_back(part); },
            .is_checked = false,
            .on_residual =
                [&](int block, const TensorView& x) {
                  EXPECT_EQ(x.shape, Shape({4, 256}));
                  blocks.push_back(block);
                }});

  EXPECT_THAT(blocks, ElementsAre(0, 1, 2));
  ASSERT_EQ(parts.size(), 6u);
  EXPECT_DOUBLE_EQ(parts[2], 0.5);
  EXPECT_EQ(parts[5], 1);
}

TEST_F(DenoiserTest, ComputesOnWithWhatIsPutInPlaceOfABlocksOutput) {
  const Tensor plain = velocity();

  const Tensor changed = velocity({.on_part = [](double) {},
                                   .is_checked = false,
                                   .on_residual =
                                       [](int block, const TensorView& x) {
                                         if (block == 2) x.as<float>()[0] += 10;
                                       }});

  EXPECT_GT(test::relative_error(changed, plain), 1e-3);
}

}  // namespace
}  // namespace reel::pipeline
