// SPDX-License-Identifier: Apache-2.0
// Every environment variable Reel reads, in one place (docs/ENVIRONMENT.md is this table).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace reel::env {

std::optional<std::string> get(const char* name);

// REEL_MODELS, split at ':'; folders in which model names are looked up.
std::string models_path();

// $XDG_STATE_HOME/reel, else ~/.local/state/reel, else /tmp/reel-state-<uid>.
std::filesystem::path state_folder();

// $XDG_CACHE_HOME/reel, else ~/.cache/reel, else /tmp/reel-cache-<uid>: what can be made again.
std::filesystem::path cache_folder();

// $XDG_DATA_HOME/reel, else ~/.local/share/reel, else /tmp/reel-data-<uid>: what the user asked to
// be kept.
std::filesystem::path data_folder();

// Settings of the command line: $XDG_CONFIG_HOME/reel/reel.toml, else ~/.config/reel/reel.toml.
std::string config_file();

// The folder that holds the built-in demo model: REEL_DEMO_MODEL, else <bin>/../share/reel/demo
// beside the program, where a build folder has a link to it, else share/reel/demo below the folder
// of the Python module.
std::optional<std::filesystem::path> demo_model_folder();

}  // namespace reel::env
