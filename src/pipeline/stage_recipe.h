// SPDX-License-Identifier: Apache-2.0
// The recipe of a clip that is made stage by stage: it travels in the stage files' metadata, and
// each stage adds what it knows.
#pragma once

#include <optional>
#include <string>

#include "pipeline/recipe.h"
#include "pipeline/stage_files.h"

namespace reel::pipeline {

void put_recipe(const Recipe& recipe, StageFile& file);
// Nothing where another program wrote the file, or a recipe would not lead to what is in it. Throws
// kBadFile naming the file for one that cannot be read.
std::optional<Recipe> recipe_in(const StageFile& file, const std::string& path);

}  // namespace reel::pipeline
