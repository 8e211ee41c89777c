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

}  // namespace

std::string read_recipe(const std::string& clip) {
  const auto comment = formats::read_mp4_comment(clip);
  REEL_REQUIRE(comment.has_value(), kNotFound, str_cat('"', clip, "\" carries no recipe."),
               "Only MP4 clips that reel generate wrote without --no-recipe have one.");
  recipe_from_json(*comment);
  return *comment;
}

ReplayResult replay(const std::string& clip, const ModelOptions& options, Progress& progress) {
  const Recipe recipe = recipe_from_json(read_recipe(clip));
  REEL_REQUIRE(!options.model.empty() || recipe.model_name == "demo", kInvalidArgument,
               str_cat("The clip was made with \"", recipe.model_name, "\", not the demo model."),
               "Say where that model is with --model.");
  ModelOptions model_options = options;
  if (model_options.precision == "auto") model_options.precision = recipe.precision;
  if (model_options.checkpoint_kind.empty()) model_options.checkpoint_kind = recipe.verdict;
  if (model_options.tae_latents == "auto" && !recipe.decoder.empty()) {
    // The clip knows what its decoder took; a name may have changed.
    if (recipe.decoder == kTaeName) model_options.tae_latents = "diffusion";
    if (recipe.decoder == kTaeOfVaeLatentsName) model_options.tae_latents = "vae";
  }
  model_options.loras = loras_of(recipe, options.loras);
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
  ReplayResult result{.equal = false,
                      .recorded_digest = recipe.frames_digest,
                      .digest = digest.hex(),
                      .differences = {}};
  result.equal = result.digest == result.recorded_digest;
  compare("version of Reel", recipe.version, now.version, result.differences);
  compare("text encoder's weights digest", recipe.weights.text_encoder, now.weights.text_encoder,
          result.differences);
  compare("DiT's weights digest", recipe.weights.dit, now.weights.dit, result.differences);
  if (!recipe.decoder.empty()) {
    compare("decoder", recipe.decoder, now.decoder, result.differences);
  }
  compare("VAE's weights digest", recipe.weights.vae, now.weights.vae, result.differences);
  for (size_t at = 0; at < recipe.loras.size(); ++at) {
    compare("LoRA's digest", recipe.loras[at].digest, now.loras[at].digest, result.differences);
  }
  compare("precision", recipe.precision, now.precision, result.differences);
  compare("device", recipe.device, now.device, result.differences);
  compare("set of kernels", recipe.kernels, now.kernels, result.differences);
  return result;
}

}  // namespace reel
