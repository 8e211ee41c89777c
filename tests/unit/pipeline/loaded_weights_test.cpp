// SPDX-License-Identifier: Apache-2.0
#include "pipeline/loaded_weights.h"

#include <gtest/gtest.h>

#include "pipeline/open_model.h"

namespace reel::pipeline {
namespace {

// The demo model's DiT on the CPU.
class LoadedWeightsTest : public testing::Test {
 protected:
  LoadedWeightsTest() : runtime_(options(), stop_), model_(options(), Parts{}, progress_) {}

  static ModelOptions options() {
    ModelOptions options;
    options.device = "cpu";
    return options;
  }
  std::unique_ptr<LoadedDit> load() {
    return model_.load_dit(runtime_, runtime_.numbers().precision);
  }

  StopFlag stop_;
  Progress progress_;
  Runtime runtime_;
  OpenModel model_;
};

TEST_F(LoadedWeightsTest, HandOutBlocks) {
  const auto dit = load();
  LoadedWeights& weights = dit->weights();

  weights.begin_passes();

  EXPECT_EQ(weights.source().blocks(), model_.facts().dit.layers);
  EXPECT_TRUE(weights.source().fixed().has("head.modulation"));
  EXPECT_TRUE(weights.source().acquire(0, {}).has("blocks.0.modulation"));
}

TEST_F(LoadedWeightsTest, TellTheRuntimeWhatWasReadWhenTheyGo) {
  auto dit = load();
  dit->weights().source().acquire(0, {});
  EXPECT_EQ(runtime_.streamed().bytes_read, 0u);

  dit.reset();

  EXPECT_GT(runtime_.streamed().bytes_read, 0u);
  EXPECT_EQ(runtime_.streamed().bytes_copied, 0u);
}

TEST_F(LoadedWeightsTest, HaveADigestOfWhatWasUsed) {
  const auto once = load();
  const auto again = load();
  once->weights().source().acquire(0, {});
  const std::string after_one_block = once->weights().digest();

  again->weights().source().acquire(0, {});
  EXPECT_EQ(again->weights().digest(), after_one_block);
  again->weights().source().acquire(1, {});
  EXPECT_NE(again->weights().digest(), after_one_block);
}

}  // namespace
}  // namespace reel::pipeline
