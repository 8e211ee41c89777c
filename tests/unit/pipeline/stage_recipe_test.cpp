// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage_recipe.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

TEST(StageRecipe, TravelsInAFileEvenWhenNotAllIsKnown) {
  const test::TempFolder folder;
  Recipe recipe;
  recipe.prompt = "a \"red\" ball, \u7ea2\u7403\n";
  recipe.weights.text_encoder = "0123";
  StageFile file;
  put_recipe(recipe, file);
  write_stage_file(folder / "text.safetensors", file);

  const auto found = recipe_in(read_stage_file(folder / "text.safetensors"), "text.safetensors");

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(to_json(*found), to_json(recipe));
}

TEST(StageRecipe, IsNotInEveryFile) { EXPECT_FALSE(recipe_in({}, "text.safetensors").has_value()); }

TEST(StageRecipe, ThatIsNoneIsRefused) {
  StageFile file;
  put_recipe({}, file);
  file.metadata.begin()->second.pop_back();

  EXPECT_REEL_ERROR(recipe_in(file, "l.safetensors"), kBadFile, "\"l.safetensors\"");
}

}  // namespace
}  // namespace reel::pipeline
