// SPDX-License-Identifier: Apache-2.0
// Makes the frames of a clip again and compares.
#include <reel/recipe.h>
#include <reel/version.h>

#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "formats/mp4_comment.h"
#include "hub/model_folders.h"
#include "pipeline/clip_run.h"
#include "pipeline/open_model.h"
#include "pipeline/recipe.h"

namespace reel {
namespace {

using namespace pipeline;

void compare(const char* what, const std::string& then, const std::string& now,
             std::vector<std::string>& differences) {
  if (then != now)
    differences.push_back(str_cat("The ", what, " was ", then, ", now it is ", now, '.'));
}

std::string names_of(const std::vector<LoraRecord>& loras) {
  std::string names;
  for (const LoraRecord& lora : loras) {
    names += str_cat(names.empty() ? "" : " and ", '"', lora.name, '"');
  }
  return names;
}

// The LoRAs of the recipe where they are now: given in its order, or found under their names. Their
// strengths are the recipe's.
std::vector<LoraChoice> loras_of(const Recipe& recipe, const std::vector<LoraChoice>& given) {
  REEL_REQUIRE(given.empty() || given.size() == recipe.loras.size(), kInvalidArgument,
               recipe.loras.empty()
                   ? std::string("A LoRA was given, but the clip was made without one.")
                   : str_cat("The clip was made with the LoRAs ", names_of(recipe.loras), "; ",
                             given.size(), " were given."),
               "Give each of them once, in this order.");
  std::vector<LoraChoice> loras;
  for (size_t at = 0; at < recipe.loras.size(); ++at) {
    const LoraRecord& record = recipe.loras[at];
    loras.push_back({.path = given.empty() ? hub::find_model(record.name) : given[at].path,
                     .strength = record.strength});
    std::error_code ignored;
    REEL_REQUIRE(!given.empty() || std::filesystem::exists(loras.back().path, ignored),
                 kInvalidArgument,
                 str_cat("The clip was made with the LoRA \"", record.name,
                         "\", which is not in this folder."),
                 "Say where it is with --lora.");
  }
  return loras;
}

// What the recipe says and the user left open. The clip knows what its decoder took; a name may
// have changed.
ModelOptions options_of(const Recipe& recipe, const ModelOptions& given) {
  ModelOptions options = given;
  if (options.precision == "auto") options.precision = recipe.precision;
  if (options.checkpoint_kind.empty()) options.checkpoint_kind = recipe.verdict;
  if (options.tae_latents == "auto") {
    if (recipe.decoder == kTaeName) options.tae_latents = "diffusion";
    if (recipe.decoder == kTaeOfVaeLatentsName) options.tae_latents = "vae";
  }
  if (options.vae_tiling.empty()) options.vae_tiling = recipe.vae_tiling;
  options.loras = loras_of(recipe, given.loras);
  return options;
}

std::vector<std::string> differences_between(const Recipe& then, const Recipe& now) {
  std::vector<std::string> found;
  compare("version of Reel", then.version, now.version, found);
  compare("text encoder's weights digest", then.weights.text_encoder, now.weights.text_encoder,
          found);
  compare("DiT's weights digest", then.weights.dit, now.weights.dit, found);
  if (!then.decoder.empty()) compare("decoder", then.decoder, now.decoder, found);
  compare("VAE tiling", then.vae_tiling, now.vae_tiling, found);
  compare("VAE's weights digest", then.weights.vae, now.weights.vae, found);
  for (size_t at = 0; at < then.loras.size(); ++at) {
    compare("LoRA's digest", then.loras[at].digest, now.loras[at].digest, found);
  }
  compare("precision", then.precision, now.precision, found);
  compare("device", then.device, now.device, found);
  compare("set of kernels", then.kernels, now.kernels, found);
  return found;
}

}  // namespace

std::string read_recipe(const std::string& clip) {
  const auto comment = formats::read_mp4_comment(clip);
  REEL_REQUIRE(comment.has_value(), kNotFound, str_cat('"', clip, "\" carries no recipe."),
               "Only MP4 clips that Reel wrote without --no-recipe have one.");
  recipe_from_json(*comment);
  return *comment;
}

ReplayResult replay(const std::string& clip, const ModelOptions& options, Progress& progress) {
  const Recipe recipe = recipe_from_json(read_recipe(clip));
  REEL_REQUIRE(!options.model.empty() || recipe.model_name == "demo", kInvalidArgument,
               str_cat("The clip was made with \"", recipe.model_name, "\", not the demo model."),
               "Say where that model is with --model.");
  const ModelOptions model_options = options_of(recipe, options);
  const OpenModel model(model_options, Parts{}, progress);
  const CheckedRun checked = check_sampling(recipe.sampling, model.facts());
  const StopFlag stop(progress.stop_requested);
  const auto own_runtime = Runtime::on_all_devices(model_options, stop);
  Runtime& runtime = *own_runtime;
  VideoRequest request;
  request.prompt = recipe.prompt;
  request.negative_prompt = recipe.negative_prompt;

  Digest digest;
  const ClipRun run =
      run_clip(model, runtime, request, checked.settings, nullptr, progress,
               [&](const media::FrameView& frame) { digest.add(std::as_bytes(frame.rgb)); });
  const Recipe now = describe_clip(model, recipe.prompt, recipe.negative_prompt, checked.settings,
                                   runtime, run, recipe.fps);
  const std::string made = digest.hex();
  return {.equal = made == recipe.frames_digest,
          .recorded_digest = recipe.frames_digest,
          .digest = made,
          .differences = differences_between(recipe, now)};
}

}  // namespace reel
