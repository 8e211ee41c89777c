// SPDX-License-Identifier: Apache-2.0
// What is in the folders of models. installed_models() itself: reel/hub.h.
#pragma once

#include <filesystem>
#include <vector>

namespace reel::hub {

// Files and folders in the search folders that hold weights or were made by pull(), by name.
std::vector<std::filesystem::path> model_paths();

}  // namespace reel::hub
