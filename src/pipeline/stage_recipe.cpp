// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage_recipe.h"

#include "base/error.h"

namespace reel::pipeline {
namespace {

constexpr const char* kKey = "reel_recipe";

}  // namespace

void put_recipe(const Recipe& recipe, StageFile& file) { file.metadata[kKey] = to_json(recipe); }

std::optional<Recipe> recipe_in(const StageFile& file, const std::string& path) {
  const auto found = file.metadata.find(kKey);
  if (found == file.metadata.end()) return std::nullopt;
  try {
    return recipe_from_json(found->second);
  } catch (const Error&) {
    fail(ErrorCode::kBadFile,
         str_cat('"', path, "\": \"", kKey, "\" in its metadata is no recipe."),
         "Make the file again.");
  }
}

}  // namespace reel::pipeline
