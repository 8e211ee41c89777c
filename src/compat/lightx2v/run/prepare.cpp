// SPDX-License-Identifier: Apache-2.0
// What LightX2V's settings mean is the business of compat/lightx2v; here files are read and asked
// what they are.
#include <reel/inspect.h>
#include <reel/lightx2v.h>

#include <nlohmann/json.hpp>

#include "base/env.h"
#include "base/error.h"
#include "base/file.h"
#include "compat/lightx2v/environment.h"
#include "compat/lightx2v/layers.h"
#include "compat/lightx2v/map_request.h"

namespace reel::lightx2v {
namespace {

namespace fs = std::filesystem;
namespace mapping = compat::lightx2v;

constexpr uint64_t kLongestConfig = uint64_t{1} << 20;

// The folders in which LightX2V looks for a model's config, nearest first.
std::optional<mapping::Layer> model_config(const std::string& folder) {
  for (const char* below :
       {"", "low_noise_model", "distill_models/low_noise_model", "original", "transformer"}) {
    const fs::path path = fs::path(folder) / below / "config.json";
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) continue;
    return mapping::parse_config(read_text_file(path, kLongestConfig), path.string());
  }
  return std::nullopt;
}

mapping::Assembled assemble(const Settings& settings) {
  mapping::Layers layers{.flags = {}, .config = {}, .sets = settings.sets, .model_config = {}};
  for (const Setting& one : settings.given) {
    nlohmann::json value = nlohmann::json::parse(one.json, nullptr, false);
    REEL_REQUIRE(!value.is_discarded(), kInvalidArgument,
                 str_cat(one.key, " (", one.origin, ") is no JSON."));
    layers.flags[one.key] = {std::move(value), one.origin};
  }
  if (!settings.config_json.empty()) {
    layers.config = mapping::parse_config(read_text_file(settings.config_json, kLongestConfig),
                                          settings.config_json);
  }
  layers.model_config = &model_config;
  return mapping::assemble(layers);
}

mapping::MappedRun map(const Settings& settings, Progress& progress) {
  const mapping::Assembled assembled = assemble(settings);
  mapping::RequestFlags flags{.seed = settings.seed,
                              .prompt = settings.prompt,
                              .negative_prompt = settings.negative_prompt,
                              .save_result_path = settings.save_result_path,
                              .target_shape = settings.target_shape,
                              .num_frames = settings.num_frames,
                              .without_effect = settings.without_effect,
                              .name_prefix = settings.name_prefix};
  for (std::string& name : mapping::check_environment(env::get)) {
    flags.without_effect.push_back(std::move(name) + " (environment)");
  }
  mapping::MappedRun run =
      mapping::map_request(assembled.settings, flags, [](const fs::path& path) {
        std::error_code ignored;
        return fs::exists(path, ignored);
      });
  for (const std::string& note : assembled.notes) progress.on_note(note);
  for (const std::string& note : run.notes) progress.on_note(note);
  return run;
}

bool is_dit(const fs::path& file) {
  try {
    const Inspection found = inspect({.model = file.string()});
    return !found.networks.empty() && found.networks[0].network == "DiT" &&
           found.networks[0].path == file;
  } catch (const Error&) {
    return false;
  }
}

// The file of a folder whose name has the type that the scheme asks for, as LightX2V chooses it
// (models/networks/base_model.py).
void choose_gguf(mapping::MappedRun& run) {
  const fs::path folder = run.model.model;
  if (run.gguf_type.empty() || !fs::is_directory(folder)) return;
  for (const fs::path& place : {folder, folder / "diffusion_models", folder / "unet"}) {
    if (!fs::is_directory(place)) continue;
    for (const auto& entry : fs::directory_iterator(place)) {
      const std::string name = entry.path().filename().string();
      const bool is_named = name.ends_with(".gguf") && name.find(run.gguf_type) != name.npos;
      if (!is_named || !is_dit(entry.path())) continue;
      run.model.model = entry.path().string();
      for (std::string* part : {&run.model.text_encoder, &run.model.vae}) {
        if (part->empty()) *part = folder.string();
      }
      return;
    }
  }
  fail(ErrorCode::kNotFound,
       str_cat(folder.string(), " has no GGUF file of the DiT in ", run.gguf_type, '.'),
       "dit_quant_scheme of the config asks for it: change that, or give --model_path the folder "
       "that has it.");
}

// Without the hint about a flag that LightX2V does not have.
Inspection inspect_variant(const ModelOptions& options) {
  try {
    return inspect(options);
  } catch (const Error& error) {
    std::error_code ignored;
    const bool lacks_variant = error.code() == ErrorCode::kNotFound && !options.variant.empty() &&
                               fs::exists(options.model, ignored);
    if (!lacks_variant) throw;
    fail(error.code(), error.what(),
         "dit_quant_scheme of the config asks for it: change that, or give --model_path the folder "
         "that has it.");
  }
}

// Quantised weights stand in where there are no others.
Inspection inspect_preferred(mapping::MappedRun& run, const ModelOptions& options,
                             Progress& progress) {
  if (!run.prefers_bf16) return inspect_variant(options);
  ModelOptions bf16 = options;
  bf16.variant = "bf16";
  try {
    Inspection found = inspect(bf16);
    run.model.variant = "bf16";
    return found;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
  }
  Inspection found = inspect(options);
  const bool is_quantised = !found.networks.empty() && found.networks[0].precision != "f32" &&
                            found.networks[0].precision != "f16";
  if (is_quantised) {
    progress.on_note(str_cat("dit_quantized is not set, but there are no BF16 weights: those in ",
                             found.networks[0].path, " (", found.networks[0].precision,
                             ") are used."));
  }
  return found;
}

void tell_other_text_encoder(const mapping::MappedRun& run, const Inspection& found,
                             Progress& progress) {
  const std::string& expected = run.text_encoder_precision;
  for (const NetworkInfo& network : found.networks) {
    if (network.network != "text encoder" || expected.empty()) continue;
    if (network.precision == expected) continue;
    progress.on_note(str_cat("The config expects a text encoder in ", expected, "; the one in ",
                             network.path, " (", network.precision, ") is used."));
  }
}

// LightX2V fails to load the wrong one.
void require_decoder(const mapping::MappedRun& run, const Inspection& found) {
  if (run.decoder.empty()) return;
  for (const NetworkInfo& network : found.networks) {
    const bool decodes = network.network.ends_with("VAE") || network.network == "TAE";
    REEL_REQUIRE(!decodes || network.network == run.decoder, kBadFile,
                 str_cat(run.decoder == "TAE" ? "use_tae" : "use_lightvae", " is true, but ",
                         network.path, " is a ", network.network, '.'),
                 run.decoder == "TAE" ? "Give a TAE, like taew2_1.pth, with tae_path."
                                      : "Give a light VAE, like lightvaew2_1.pth, with vae_path.");
  }
}

// Asks the files what they are, whatever the settings say: the wrong model for the settings makes
// nothing but noise.
void settle_model(mapping::MappedRun& run, const std::string& sampler, Progress& progress) {
  choose_gguf(run);
  ModelOptions options = run.model;
  options.checkpoint_kind.clear();
  const Inspection found = inspect_preferred(run, options, progress);
  const bool says_distilled = run.model.checkpoint_kind == "distilled";
  if (!run.absent_checkpoint.empty()) {
    REEL_REQUIRE(found.distilled || !says_distilled, kNotFound,
                 str_cat(run.absent_checkpoint, ", which is not there, and the model in ",
                         run.model.model, " is not distilled (", found.verdict_evidence, ")."),
                 "Correct the path of the checkpoint; it is relative to the current folder.");
    progress.on_note(str_cat(run.absent_checkpoint, ", which is not there: the weights in ",
                             run.model.model, " are used."));
  } else if (says_distilled && !found.distilled) {
    progress.on_warning(
        str_cat("The settings are those of a distilled model, but this one is not (",
                found.verdict_evidence, "); the clip will be noise."));
  }
  tell_other_text_encoder(run, found, progress);
  require_decoder(run, found);
  // LightX2V's update; `reel generate` has the model card's, lcm.
  const bool distilled = says_distilled || found.distilled;
  run.request.sampling.sampler = !sampler.empty() ? sampler : distilled ? "euler" : "";
}

}  // namespace

Run prepare(const Settings& settings, Progress& progress) {
  mapping::MappedRun run = map(settings, progress);
  settle_model(run, settings.sampler, progress);
  return {.model = std::move(run.model), .request = std::move(run.request)};
}

}  // namespace reel::lightx2v
