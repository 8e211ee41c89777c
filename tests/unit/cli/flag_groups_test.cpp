// SPDX-License-Identifier: Apache-2.0
// The groups of flags that commands share (cli/flag_groups.cpp): what a value becomes.
#include <gtest/gtest.h>

#include <vector>

#include "cli/flags.h"
#include "support/expect_error.h"

namespace reel::cli {
namespace {

class FlagGroups : public testing::Test {
 protected:
  FlagGroups() {
    flags_.add_model(model_);
    flags_.add_preview_decoder(model_);
    flags_.add_sampling(sampling_, seeds_);
  }

  void parse(std::vector<const char*> words) {
    words.insert(words.begin(), "test");
    Terminal terminal;
    flags_.parse(static_cast<int>(words.size()), words.data(), terminal);
  }

  Flags flags_{"test", "flags in groups"};
  ModelOptions model_;
  SamplingOptions sampling_;
  int seeds_ = -1;
};

TEST_F(FlagGroups, ADecoderOfPreviewsThatNobodySeesIsDropped) {
  parse({"--preview-decoder", "tae.pth"});
  Terminal terminal;
  terminal.quiet = true;

  drop_unseen_previews("seen", model_, terminal);
  EXPECT_EQ(model_.preview_decoder, "tae.pth");
  drop_unseen_previews("", model_, terminal);
  EXPECT_EQ(model_.preview_decoder, "");
}

TEST_F(FlagGroups, SetNothingThatIsNotGiven) {
  parse({});

  EXPECT_FALSE(sampling_.seed.has_value());
  EXPECT_FALSE(sampling_.width_px.has_value());
  EXPECT_EQ(seeds_, 0);
  EXPECT_TRUE(model_.loras.empty());
}

TEST_F(FlagGroups, ASizeIsTwoNumbersOrAName) {
  parse({"--size", "640x352"});
  EXPECT_EQ(sampling_.width_px, 640);
  EXPECT_EQ(sampling_.height_px, 352);

  parse({"--size", "720p"});
  EXPECT_EQ(sampling_.width_px, 1280);
  EXPECT_EQ(sampling_.height_px, 720);
}

TEST_F(FlagGroups, LorasKeepTheirOrderAndStrength) {
  parse({"--lora", "a.safetensors", "--lora", "b.safetensors:-0.5", "--model", "m"});

  ASSERT_EQ(model_.loras.size(), 2u);
  EXPECT_EQ(model_.loras[0].path, "a.safetensors");
  EXPECT_EQ(model_.loras[0].strength, 1);
  EXPECT_EQ(model_.loras[1].path, "b.safetensors");
  EXPECT_EQ(model_.loras[1].strength, -0.5f);
  EXPECT_EQ(model_.model, "m");
}

TEST_F(FlagGroups, SeedsAreOneOrARange) {
  parse({"--seed", "7"});
  EXPECT_EQ(sampling_.seed, 7u);
  EXPECT_EQ(seeds_, 0);

  parse({"--seed", "4..6"});
  EXPECT_EQ(sampling_.seed, 4u);
  EXPECT_EQ(seeds_, 3);
}

TEST_F(FlagGroups, WhatCannotBeIsNamed) {
  EXPECT_REEL_ERROR(parse({"--size", "big"}), kInvalidArgument, "--size is \"big\"");
  EXPECT_REEL_ERROR(parse({"--lora", "l:inf"}), kInvalidArgument, "--lora is \"l:inf\"");
  EXPECT_REEL_ERROR(parse({"--vram", "some"}), kInvalidArgument, "--vram: ");
}

}  // namespace
}  // namespace reel::cli
