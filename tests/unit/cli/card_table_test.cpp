// SPDX-License-Identifier: Apache-2.0
#include "cli/card_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reel::cli {
namespace {

CardPrediction prediction() {
  CardPrediction one;
  one.plan.gpu = "RTX 4070";
  one.plan.fits = true;
  one.plan.width_px = 832;
  one.plan.height_px = 480;
  one.plan.frames = 81;
  one.plan.steps = 4;
  one.plan.total_s = 70;
  one.plan.stages.resize(1);
  one.plan.stages[0].stage = "denoise";
  one.plan.stages[0].compute_s = 15;
  one.plan.stages[0].stream_s = 16.5;
  one.int8_ops = 185e12;
  one.f16_values_step_s = 9.75;
  return one;
}

TEST(CardTable, HasARowForEachCardAndSaysThatItIsPredicted) {
  CardPrediction small = prediction();
  small.plan.gpu = "RTX 2";
  CardPrediction without = prediction();
  without.f16_values_step_s = 0;
  small.plan.fits = false;
  small.plan.refusal = "Too small.";

  const std::string text = card_table({prediction(), small, without});

  EXPECT_NE(text.find("832 wide x 480 high, 81 frames, 4 steps"), std::string::npos) << text;
  EXPECT_NE(text.find("RTX 4070          185"), std::string::npos) << text;
  EXPECT_NE(text.find("16.5"), std::string::npos) << text;
  EXPECT_NE(text.find("0.0        9.8\n"), std::string::npos) << text;
  EXPECT_NE(text.find("0.0          -\n"), std::string::npos) << text;
  EXPECT_NE(text.find("RTX 2        does not fit: Too small."), std::string::npos) << text;
  EXPECT_NE(text.find("Predicted, not measured"), std::string::npos) << text;
}

TEST(CardTable, IsJsonToo) {
  const auto json = nlohmann::json::parse(card_json({prediction()}));

  EXPECT_EQ(json.at("predicted"), true);
  EXPECT_EQ(json.at("cards").at(0).at("gpu"), "RTX 4070");
  EXPECT_EQ(json.at("cards").at(0).at("step_s"), 16.5);
  EXPECT_EQ(json.at("cards").at(0).at("f16_values_step_s"), 9.75);
  EXPECT_EQ(json.at("width"), 832);
}

}  // namespace
}  // namespace reel::cli
