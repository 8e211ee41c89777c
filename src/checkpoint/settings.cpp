// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/evidence.h"
#include "checkpoint/slab_source.h"
#include "formats/quoted.h"
#include "formats/slab.h"

namespace reel::checkpoint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uint64_t kMostBytes = uint64_t{1} << 20;

// The number of that key where it is one that makes sense, as others may stand in a hostile file.
std::optional<int64_t> number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto value = found->get<uint64_t>();
  constexpr uint64_t kMost = 1000000;
  return value >= 1 && value <= kMost ? std::optional(static_cast<int64_t>(value)) : std::nullopt;
}

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// 17 rows of 3 finite numbers.
decltype(ModelSettings::latent_rgb) latent_rgb(const json& object) {
  decltype(ModelSettings::latent_rgb)::value_type rows{};
  const auto found = object.find("latent_rgb");
  if (found == object.end() || !found->is_array() || found->size() != rows.size()) return {};
  for (size_t row = 0; row < rows.size(); ++row) {
    const json& given = (*found)[row];
    if (!given.is_array() || given.size() != rows[row].size()) return {};
    for (size_t part = 0; part < rows[row].size(); ++part) {
      if (!given[part].is_number()) return {};
      rows[row][part] = given[part].get<float>();
      if (!std::isfinite(rows[row][part])) return {};
    }
  }
  return rows;
}

ModelSettings read(const json& config) {
  ModelSettings settings{.text_len = number(config, "text_len"),
                         .dim = number(config, "dim"),
                         .layers = number(config, "num_layers")};
  const auto reel = config.find("reel");
  if (reel == config.end() || !reel->is_object()) return settings;
  settings.width_px = number(*reel, "width");
  settings.height_px = number(*reel, "height");
  settings.frames = number(*reel, "frames");
  settings.display_name = text(*reel, "name");
  settings.example_prompt = text(*reel, "example_prompt");
  settings.latent_rgb = latent_rgb(*reel);
  return settings;
}

// Other models' config.json may stand nearby: a text encoder's has "d_model", for example.
bool is_about_a_dit(const json& config) {
  return config.contains("reel") || config.contains("num_layers") || config.contains("ffn_dim") ||
         config.contains("model_type") || config.contains("denoising_step_list") ||
         config.contains("model_cls");
}

// Nothing when it is about another model.
std::optional<ModelSettings> settings_in(const std::string& text, const fs::path& path) {
  const json config = json::parse(text, nullptr, false);
  REEL_REQUIRE(!config.is_discarded(), kBadFile,
               str_cat(formats::quoted(path),
                       " is no JSON; the configuration of a model is "
                       "needed."),
               "Download the file again, or remove it: the shapes of the tensors suffice.");
  const bool is_ours = config.is_object() && !config.contains("d_model") && is_about_a_dit(config);
  return is_ours ? std::optional(read(config)) : std::nullopt;
}

}  // namespace

FoundSettings find_settings(const std::optional<Component>& dit,
                            const std::vector<fs::path>& places) {
  if (dit && !dit->tensors.empty()) {
    const formats::TensorFile& file = *dit->tensors.begin()->second.file;
    const auto text = file.metadata().find(std::string(kSlabConfig));
    if (formats::is_slab(file) && text != file.metadata().end()) {
      if (auto settings = settings_in(text->second, file.path())) return {*settings, file.path()};
    }
  }
  for (const fs::path& place : places) {
    const fs::path path = place / "config.json";
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) continue;
    if (auto settings = settings_in(read_text_file(path, kMostBytes), path)) {
      return {*settings, path};
    }
  }
  return {};
}

}  // namespace reel::checkpoint
