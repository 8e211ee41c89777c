// SPDX-License-Identifier: Apache-2.0
// The layers that LightX2V's configuration is made of, and which stands above which.
// Source: lightx2v/utils/set_config.py of ModelTC/LightX2V.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compat/lightx2v/values.h"

namespace reel::compat::lightx2v {

struct Layer {
  nlohmann::json values;  // an object
  std::string origin;
};

// Strict JSON, as a stranger wrote it. Throws kBadFile when it is none, or no object.
Layer parse_config(std::string_view text, const std::string& origin);

struct Layers {
  Settings flags;                 // model_cls, task, model_path: those that were given
  std::optional<Layer> config;    // --config_json, above the flags
  std::vector<std::string> sets;  // "key=value", Reel's own, above everything
  // The config.json of a model's folder, which stands above --config_json as it does in LightX2V.
  std::function<std::optional<Layer>(const std::string& folder)> model_config;
};

struct Assembled {
  Settings settings;
  std::vector<std::string> notes;  // one sentence for each value that another layer replaced
};

// Throws kInvalidArgument for a --set that is no key=value, or of a key that nobody has.
Assembled assemble(const Layers& layers);

}  // namespace reel::compat::lightx2v
