// SPDX-License-Identifier: Apache-2.0
// Where models lie: the folders in which a name is looked up.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reel::hub {

// REEL_MODELS, else models/ in the data folder.
std::vector<std::filesystem::path> search_folders();

// Under which name pull() puts a model there: "organisation--repository" for a repository.
std::string folder_name(const std::string& model);

// The file or folder of that name in the first search folder that has it.
std::optional<std::filesystem::path> find_on_search_path(const std::string& model);

// What --model means: an existing path is that path, then the search folders. Any other text is
// answered as it is, but throws kNotFound for a name of the catalogue, saying how to get it.
std::string find_model(const std::string& model);

}  // namespace reel::hub
