// SPDX-License-Identifier: Apache-2.0
// Settings under the names that LightX2V has for them, as a request of Reel. docs/LIGHTX2V.md says
// what each does here.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reel::lightx2v {

// One key of the configuration that was given outside of a file.
struct Setting {
  std::string key;     // "sample_shift"
  std::string json;    // its value: "5.0"
  std::string origin;  // who gave it, for messages: "--set", "create_generator"
};

struct Settings {
  std::vector<Setting> given;
  std::string config_json;        // a file, which stands above what was given; empty: none
  std::vector<std::string> sets;  // "key=value", above everything

  // What LightX2V keeps apart from its configuration.
  std::optional<uint64_t> seed = 42;  // random when empty
  std::string prompt, negative_prompt, save_result_path;
  std::vector<int> target_shape;  // height and width in pixels, above the configuration
  std::optional<int> num_frames;  // where the configuration names no length

  std::vector<std::string> without_effect;  // names that were given and change nothing
  std::string name_prefix = "--";           // of the names above in messages
  std::string sampler;                      // of a distilled model; empty: LightX2V's own, "euler"
};

// For Engine. What the caller may still set: device, budgets, overwrite.
struct Run {
  ModelOptions model;
  VideoRequest request;
};

// Reads configuration files and the headers of the weights. What is replaced, ignored or left out
// is told to `progress`, each once.
//
// Throws kUnsupported for what would change the result and is not done here, kInvalidArgument for
// values that cannot be or contradict each other, kNotFound for weights that are not there,
// kBadFile for a configuration that is no JSON.
Run prepare(const Settings& settings, Progress& progress);

}  // namespace reel::lightx2v
