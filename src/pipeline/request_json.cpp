// SPDX-License-Identifier: Apache-2.0
#include "pipeline/request_json.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tokenizer/unicode.h"

namespace reel {
namespace {

using nlohmann::json;

template <typename T>
void put(json& to, const char* key, const std::optional<T>& value) {
  if (value) to[key] = *value;
}

template <typename T>
void take(const json& from, const char* key, std::optional<T>& value) {
  if (from.contains(key)) value = from.at(key).get<T>();
}

template <typename T>
void take(const json& from, const char* key, T& value) {
  if (from.contains(key)) value = from.at(key).get<T>();
}

// File names need not be UTF-8, which JSON's strings are: those become a list of bytes.
json path_to_json(const std::string& path) {
  if (tokenizer::is_utf8(path)) return path;
  return std::vector<uint8_t>(path.begin(), path.end());
}

void take_path(const json& from, const char* key, std::string& path) {
  if (!from.contains(key)) return;
  const json& value = from.at(key);
  if (value.is_array()) {
    const auto bytes = value.get<std::vector<uint8_t>>();
    path.assign(bytes.begin(), bytes.end());
  } else {
    value.get_to(path);
  }
}

json loras_to_json(const std::vector<LoraChoice>& loras) {
  json all = json::array();
  for (const LoraChoice& lora : loras) {
    all.push_back({{"path", path_to_json(lora.path)}, {"strength", lora.strength}});
  }
  return all;
}

void take_loras(const json& from, std::vector<LoraChoice>& loras) {
  if (!from.contains("loras")) return;
  for (const json& one : from.at("loras")) {
    LoraChoice& lora = loras.emplace_back();
    take_path(one, "path", lora.path);
    take(one, "strength", lora.strength);
  }
}

}  // namespace

void to_json(json& to, const SamplingOptions& options) {
  to = {{"rng", options.rng}};
  put(to, "rng_sm_count", options.rng_sm_count);
  put(to, "rng_threads_per_sm", options.rng_threads_per_sm);
  put(to, "seed", options.seed);
  put(to, "width", options.width_px);
  put(to, "height", options.height_px);
  put(to, "frames", options.frames);
  put(to, "steps", options.steps);
  put(to, "shift", options.shift);
  put(to, "guidance", options.guidance);
  if (!options.timesteps.empty()) to["timesteps"] = options.timesteps;
  if (!options.sampler.empty()) to["sampler"] = options.sampler;
}

void from_json(const json& from, SamplingOptions& options) {
  take(from, "rng", options.rng);
  take(from, "rng_sm_count", options.rng_sm_count);
  take(from, "rng_threads_per_sm", options.rng_threads_per_sm);
  take(from, "seed", options.seed);
  take(from, "width", options.width_px);
  take(from, "height", options.height_px);
  take(from, "frames", options.frames);
  take(from, "steps", options.steps);
  take(from, "shift", options.shift);
  take(from, "guidance", options.guidance);
  take(from, "timesteps", options.timesteps);
  take(from, "sampler", options.sampler);
}

void to_json(json& to, const ModelOptions& options) {
  to = {{"model", path_to_json(options.model)},
        {"text_encoder", path_to_json(options.text_encoder)},
        {"vae", path_to_json(options.vae)},
        {"tae_latents", options.tae_latents},
        {"vae_tiling", options.vae_tiling},
        {"preview_decoder", path_to_json(options.preview_decoder)},
        {"tokenizer", path_to_json(options.tokenizer)},
        {"variant", options.variant},
        {"checkpoint_kind", options.checkpoint_kind},
        {"loras", loras_to_json(options.loras)},
        {"device", options.device},
        {"precision", options.precision},
        {"threads", options.threads},
        {"vram_bytes", options.vram_bytes},
        {"ram_bytes", options.ram_bytes}};
}

void from_json(const json& from, ModelOptions& options) {
  take_path(from, "model", options.model);
  take_path(from, "text_encoder", options.text_encoder);
  take_path(from, "vae", options.vae);
  take(from, "tae_latents", options.tae_latents);
  take(from, "vae_tiling", options.vae_tiling);
  take_path(from, "preview_decoder", options.preview_decoder);
  take_path(from, "tokenizer", options.tokenizer);
  take(from, "variant", options.variant);
  take(from, "checkpoint_kind", options.checkpoint_kind);
  take_loras(from, options.loras);
  take(from, "device", options.device);
  take(from, "precision", options.precision);
  take(from, "threads", options.threads);
  take(from, "vram_bytes", options.vram_bytes);
  take(from, "ram_bytes", options.ram_bytes);
}

void to_json(json& to, const VideoRequest& request) {
  to = {{"prompt", request.prompt},           {"negative_prompt", request.negative_prompt},
        {"sampling", request.sampling},       {"out", path_to_json(request.out)},
        {"overwrite", request.overwrite},     {"fps", request.fps},
        {"quality", request.quality},         {"write_recipe", request.write_recipe},
        {"frames_only", request.frames_only}, {"preview_dir", path_to_json(request.preview_dir)}};
}

void from_json(const json& from, VideoRequest& request) {
  take(from, "prompt", request.prompt);
  take(from, "negative_prompt", request.negative_prompt);
  take(from, "sampling", request.sampling);
  take_path(from, "out", request.out);
  take(from, "overwrite", request.overwrite);
  take(from, "fps", request.fps);
  take(from, "quality", request.quality);
  take(from, "write_recipe", request.write_recipe);
  take(from, "frames_only", request.frames_only);
  take_path(from, "preview_dir", request.preview_dir);
}

}  // namespace reel
