// SPDX-License-Identifier: Apache-2.0
#include "pipeline/recipe.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_depth.h"
#include "pipeline/request_json.h"

namespace reel::pipeline {

using nlohmann::json;

namespace {

json loras_to_json(const std::vector<LoraRecord>& loras) {
  json all = json::array();
  for (const LoraRecord& lora : loras) {
    all.push_back({{"name", lora.name}, {"digest", lora.digest}, {"strength", lora.strength}});
  }
  return all;
}

// None in the recipes of versions without them.
std::vector<LoraRecord> loras_from_json(const json& model) {
  std::vector<LoraRecord> loras;
  if (!model.contains("loras")) return loras;
  for (const json& one : model.at("loras")) {
    loras.push_back(
        {.name = one.at("name"), .digest = one.at("digest"), .strength = one.at("strength")});
  }
  return loras;
}

[[noreturn]] void refuse() {
  fail(ErrorCode::kBadFile, "The clip's comment is not a recipe of Reel.",
       "Only clips that Reel wrote can be replayed.");
}

}  // namespace

std::string to_json(const Recipe& recipe) {
  json text{{"reel", recipe.version},
            {"prompt", recipe.prompt},
            {"negative_prompt", recipe.negative_prompt},
            {"sampling", recipe.sampling},
            {"model",
             {{"name", recipe.model_name},
              {"layout", recipe.layout},
              {"kind", recipe.verdict},
              {"text_encoder", recipe.weights.text_encoder},
              {"dit", recipe.weights.dit},
              {"vae", recipe.weights.vae},
              {"decoder", recipe.decoder},
              {"vae_tiling", recipe.vae_tiling},
              {"loras", loras_to_json(recipe.loras)}}},
            {"precision", recipe.precision},
            {"device", recipe.device},
            {"kernels", recipe.kernels},
            {"fps", recipe.fps},
            {"frames_digest", recipe.frames_digest}};
  if (!recipe.measured.empty()) text["measured"] = json::parse(recipe.measured);
  // A file name need not be UTF-8.
  return text.dump(-1, ' ', false, json::error_handler_t::replace);
}

Recipe recipe_from_json(const std::string& text) {
  if (is_json_too_deep(text)) refuse();
  try {
    const json parsed = json::parse(text);
    const json& model = parsed.at("model");
    return {.version = parsed.at("reel"),
            .prompt = parsed.at("prompt"),
            .negative_prompt = parsed.at("negative_prompt"),
            .sampling = parsed.at("sampling").get<SamplingOptions>(),
            .model_name = model.at("name"),
            .layout = model.at("layout"),
            .verdict = model.at("kind"),
            .weights = {.text_encoder = model.at("text_encoder"),
                        .dit = model.at("dit"),
                        .vae = model.at("vae")},
            .decoder = model.value("decoder", std::string()),
            .vae_tiling = model.value("vae_tiling", std::string("off")),
            .loras = loras_from_json(model),
            .precision = parsed.at("precision"),
            .device = parsed.at("device"),
            .kernels = parsed.at("kernels"),
            .fps = parsed.at("fps"),
            .frames_digest = parsed.at("frames_digest"),
            .measured = parsed.contains("measured") ? parsed["measured"].dump() : std::string()};
  } catch (const json::exception&) {
    refuse();
  }
}

SamplingOptions complete_sampling(const RunSettings& settings) {
  SamplingOptions options;
  options.seed = settings.seed;
  options.width_px = static_cast<int>(settings.size.width_px);
  options.height_px = static_cast<int>(settings.size.height_px);
  options.frames = static_cast<int>(settings.size.frames);
  options.steps = static_cast<int>(settings.levels.timesteps.size());
  options.timesteps = settings.step_list;
  options.shift = settings.shift;
  options.guidance = settings.guidance;
  options.sampler = schedulers::sampler_name(settings.sampler);
  options.rng = schedulers::noise_kind_name(settings.rng);
  options.rng_sm_count = settings.rng_gpu.sm_count;
  options.rng_threads_per_sm = settings.rng_gpu.threads_per_sm;
  return options;
}

}  // namespace reel::pipeline
