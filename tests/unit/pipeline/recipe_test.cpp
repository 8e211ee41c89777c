// SPDX-License-Identifier: Apache-2.0
#include "pipeline/recipe.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::pipeline {
namespace {

Recipe some_recipe() {
  Recipe recipe;
  recipe.version = "0.1.0";
  recipe.prompt = "a \"red\" ball, \u7ea2\u7403";
  recipe.sampling = complete_sampling(check_sampling({}, {}).settings);
  recipe.weights = {.text_encoder = "a", .dit = "b", .vae = "c"};
  recipe.loras = {{.name = "a.safetensors", .digest = "d", .strength = 0.8f}};
  recipe.vae_tiling = "blended";
  recipe.frames_digest = "0123";
  recipe.measured = "{\"seconds\":1.5}";
  return recipe;
}

TEST(Recipe, SurvivesItsJson) {
  const Recipe recipe = some_recipe();

  const Recipe again = recipe_from_json(to_json(recipe));

  EXPECT_EQ(to_json(again), to_json(recipe));
  EXPECT_EQ(again.prompt, recipe.prompt);
  EXPECT_EQ(again.vae_tiling, "blended");
  EXPECT_EQ(again.sampling.seed, recipe.sampling.seed);
  ASSERT_EQ(again.loras.size(), 1u);
  EXPECT_EQ(again.loras[0].digest, "d");
  EXPECT_EQ(again.loras[0].strength, 0.8f);
}

TEST(Recipe, LeavesNothingToADefault) {
  const RunSettings settings = check_sampling({}, {}).settings;

  const SamplingOptions options = complete_sampling(settings);

  EXPECT_TRUE(options.seed && options.width_px && options.height_px && options.frames &&
              options.steps && options.shift && options.guidance);
  EXPECT_EQ(check_sampling(options, {}).settings.levels.sigmas, settings.levels.sigmas);
}

TEST(Recipe, IsReadWithoutMeasurements) {
  Recipe recipe = some_recipe();
  recipe.measured.clear();

  EXPECT_EQ(recipe_from_json(to_json(recipe)).measured, "");
  EXPECT_EQ(recipe_from_json(to_json(some_recipe())).measured, some_recipe().measured);
}

TEST(Recipe, OfAVersionWithoutLorasHasNone) {
  std::string text = to_json(some_recipe());
  const size_t from = text.find(",\"loras\":[");
  ASSERT_NE(from, std::string::npos);
  text.erase(from, text.find(']', from) + 1 - from);

  EXPECT_TRUE(recipe_from_json(text).loras.empty());
}

TEST(Recipe, OfAVersionWithoutTilesHasNone) {
  std::string text = to_json(some_recipe());
  const std::string field = ",\"vae_tiling\":\"blended\"";
  ASSERT_NE(text.find(field), std::string::npos);
  text.erase(text.find(field), field.size());

  EXPECT_EQ(recipe_from_json(text).vae_tiling, "off");
}

TEST(Recipe, RefusesOtherComments) {
  EXPECT_REEL_ERROR(recipe_from_json("Made with love"), kBadFile, "is not a recipe of Reel");
  EXPECT_REEL_ERROR(recipe_from_json("{\"reel\": 3}"), kBadFile, "is not a recipe of Reel");
  // Complete but for what it measured, which is written out again with a call per level.
  std::string text = to_json(Recipe{});
  ASSERT_EQ(text.back(), '}');
  text.back() = ',';
  const auto measured = [&](size_t depth) {
    return text + "\"measured\":" + std::string(depth, '[') + std::string(depth, ']') + '}';
  };
  EXPECT_EQ(recipe_from_json(measured(2)).measured, "[[]]");
  EXPECT_REEL_ERROR(recipe_from_json(measured(200'000)), kBadFile, "is not a recipe of Reel");
}

}  // namespace
}  // namespace reel::pipeline
