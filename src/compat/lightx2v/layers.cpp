// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/layers.h"

#include "base/error.h"
#include "base/json_depth.h"
#include "compat/lightx2v/keys.h"
#include "formats/quoted.h"

namespace reel::compat::lightx2v {
namespace {

using nlohmann::json;

// Puts a value over the one that is there, and says so where they differ.
void put(Assembled& into, const std::string& key, const json& value, const std::string& origin) {
  const Setting* before = find(into.settings, key);
  if (before != nullptr && before->value != value && before->origin != origin) {
    into.notes.push_back(
        str_cat(origin, " stands above ", before->origin, " and replaces its ", key, '.'));
  }
  into.settings[key] = {value, origin};
}

void put_config(Assembled& into, const Layer& config) {
  for (const auto& [key, value] : config.values.items()) put(into, key, value, config.origin);
}

// A model's own config is about its network as well: only what decides something here is taken.
void put_model_config(Assembled& into, const Layers& layers, const char* folder_key) {
  const Setting* folder = find(into.settings, folder_key);
  if (folder == nullptr || !folder->value.is_string() || !layers.model_config) return;
  const auto config = layers.model_config(folder->value.get<std::string>());
  if (!config) return;
  for (const auto& [key, value] : config->values.items()) {
    const Key* known = find_key(key);
    if (known != nullptr && known->use == KeyUse::kUsed && key != folder_key) {
      put(into, key, value, config->origin);
    }
  }
}

void put_set(Assembled& into, const std::string& set) {
  const size_t equals = set.find('=');
  REEL_REQUIRE(equals != std::string::npos && equals > 0, kInvalidArgument,
               str_cat("--set is ", formats::quoted_name(set), "; key=value is needed."),
               "Write it like --set sample_shift=5.");
  const std::string key = set.substr(0, equals);
  const std::string text = set.substr(equals + 1);
  REEL_REQUIRE(find_key(key) != nullptr, kInvalidArgument,
               str_cat("--set names ", formats::quoted_name(key), ", which is no key of LightX2V."),
               "docs/LIGHTX2V.md lists every key.");
  json value = json::parse(text, nullptr, false);
  into.settings[key] = {value.is_discarded() ? json(text) : value, "--set"};
}

}  // namespace

Layer parse_config(std::string_view text, const std::string& origin) {
  json values = json::parse(text, nullptr, false);
  REEL_REQUIRE(!values.is_discarded(), kBadFile,
               str_cat(origin, " is no JSON; a config of LightX2V is needed."),
               "Remarks and commas before a closing bracket are not JSON.");
  REEL_REQUIRE(!is_json_too_deep(text), kBadFile,
               str_cat(origin, " nests its values more than ", kDeepestJson,
                       " deep; a config of LightX2V is needed."));
  REEL_REQUIRE(values.is_object(), kBadFile,
               str_cat(origin,
                       " holds no object of keys and values; a config of LightX2V is "
                       "needed."));
  return {std::move(values), origin};
}

Assembled assemble(const Layers& layers) {
  Assembled assembled{.settings = layers.flags, .notes = {}};
  if (layers.config) put_config(assembled, *layers.config);
  // Where the model is must be known before its config can be read.
  Assembled with_sets = assembled;
  for (const std::string& set : layers.sets) put_set(with_sets, set);
  for (const char* key : {"model_path", "dit_quantized_ckpt"}) {
    if (const Setting* path = find(with_sets.settings, key)) assembled.settings[key] = *path;
    put_model_config(assembled, layers, key);
  }
  for (const std::string& set : layers.sets) put_set(assembled, set);
  return assembled;
}

}  // namespace reel::compat::lightx2v
