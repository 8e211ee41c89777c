// SPDX-License-Identifier: Apache-2.0
// Makes the frames of a clip again and compares.
#include <reel/recipe.h>
#include <reel/version.h>

#include "base/error.h"
#include "base/hash.h"
#include "formats/mp4_comment.h"
#include "pipeline/clip_run.h"
#include "pipeline/recipe.h"

namespace reel {
namespace {

using namespace pipeline;

void compare(const char* what, const std::string& then, const std::string& now,
             std::vector<std::string>& differences) {
  if (then != now)
    differences.push_back(str_cat("The ", what, " was ", then, ", now it is ", now, '.'));
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
  const OpenModel model(model_options, Parts{}, progress);
  const CheckedRun checked = check_sampling(recipe.sampling, model.facts());
  const StopFlag stop(progress.stop_requested);
  Runtime runtime(model_options, stop);
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
  compare("VAE's weights digest", recipe.weights.vae, now.weights.vae, result.differences);
  compare("precision", recipe.precision, now.precision, result.differences);
  compare("device", recipe.device, now.device, result.differences);
  compare("set of kernels", recipe.kernels, now.kernels, result.differences);
  return result;
}

}  // namespace reel
