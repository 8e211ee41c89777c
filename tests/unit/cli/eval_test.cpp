// SPDX-License-Identifier: Apache-2.0
#include "cli/eval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace reel::cli {
namespace {

EvalReport made_up() {
  EvalPath int8{.name = "int8",
                .what = "rotated INT8 products",
                .local = {0.001, 0.002},
                .accumulated = {0.001, 0.0035},
                .velocity = 0.02,
                .latents = 0.01,
                .velocity_of_fp8 = 0.4,
                .latents_of_fp8 = 0.5,
                .has_limit = true};
  EvalPath fp8{.name = "fp8",
               .what = "FP8 W8A8 products",
               .local = {0.004, 0.005},
               .accumulated = {0.004, 0.009},
               .velocity = 0.05,
               .latents = 0.02};
  return {.model = "wan",
          .layout = "distill_fp8",
          .device = "cpu",
          .kernels = "reference",
          .width_px = 256,
          .height_px = 128,
          .frames = 5,
          .steps = 4,
          .sampler = "lcm",
          .seed = 7,
          .count = 4,
          .tokens = 256,
          .text_tokens = 9,
          .layers = 2,
          .model_layers = 2,
          .paths = {int8, fp8}};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(EvalTable, HasARowForEachBlockAndALineForEachPath) {
  const std::string table = eval_table(made_up());

  EXPECT_TRUE(has(table, "256 wide x 128 high, 5 frames (256 tokens), 9 tokens of text")) << table;
  EXPECT_TRUE(has(table, "\n    0        1.00e-03 1.00e-03  4.00e-03 4.00e-03\n")) << table;
  EXPECT_TRUE(has(table, "\n    1        2.00e-03 3.50e-03  5.00e-03 9.00e-03\n")) << table;
  EXPECT_TRUE(has(table, "velocity              2.00e-02           5.00e-02\n")) << table;
  EXPECT_TRUE(
      has(table,
          "int8: rotated INT8 products\n  at most 0.40 of fp8's error after one forward, 0.50 at "
          "the end: within, at most 0.75 is allowed"))
      << table;
  EXPECT_FALSE(has(table, "blocks alone"));
}

TEST(EvalTable, SaysWhatIsTooFarAndWhatWasLeftOut) {
  EvalReport report = made_up();
  report.paths[0].latents_of_fp8 = 0.9;
  report.model_layers = 40;

  const std::string table = eval_table(report);

  EXPECT_TRUE(has(table, "0.90 at the end: TOO FAR")) << table;
  EXPECT_TRUE(has(table, "the first 2 of 40 blocks alone")) << table;
}

TEST(EvalJson, HoldsEveryErrorAndTheVerdict) {
  EvalReport report = made_up();
  report.paths[1].latents = std::nan("");

  const auto json = nlohmann::json::parse(eval_json(report));

  EXPECT_EQ(json.at("paths").at(0).at("accumulated").at(1), 0.0035);
  EXPECT_EQ(json.at("paths").at(0).at("velocity_of_fp8"), 0.4);
  EXPECT_TRUE(json.at("paths").at(1).at("latents").is_null());
  EXPECT_FALSE(json.at("paths").at(1).contains("velocity_of_fp8"));
  EXPECT_TRUE(json.at("within"));
  EXPECT_EQ(json.at("most_of_fp8"), 0.75);
}

}  // namespace
}  // namespace reel::cli
