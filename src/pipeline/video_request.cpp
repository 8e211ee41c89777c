// SPDX-License-Identifier: Apache-2.0
#include "pipeline/video_request.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "base/output_path.h"
#include "media/mp4_writer.h"
#include "pipeline/recipe.h"
#include "tokenizer/prompt_cleaning.h"

namespace reel::pipeline {
namespace {

void check_output(const VideoRequest& request) {
  REEL_REQUIRE(request.fps >= 1 && request.fps <= 240, kInvalidArgument,
               str_cat("fps is ", request.fps, "; 1 to 240 are possible."));
  REEL_REQUIRE(request.quality >= 0 && request.quality <= 51, kInvalidArgument,
               str_cat("quality is ", request.quality, "; 0 (lossless) to 51 are possible."));
  REEL_REQUIRE(!request.frames_only || request.out.empty(), kInvalidArgument,
               str_cat("An output was named, \"", request.out, "\", but only frames are wanted."),
               "Leave one of them out.");
}

void check_prompts(const VideoRequest& request) {
  REEL_REQUIRE(!tokenizer::clean_prompt(request.prompt).empty(), kInvalidArgument,
               "The prompt is empty.", "Say what the clip shows.");
  try {
    tokenizer::clean_prompt(request.negative_prompt);
  } catch (const Error& error) {
    // It says "The prompt".
    std::string what = error.what();
    fail(error.code(), what.replace(0, 4, "The negative "), error.hint());
  }
}

// For a clip without a name: ".mp4", or ".y4m" with a warning where nothing here writes MP4.
std::string default_extension(Progress& progress) {
  const media::Mp4Support support = media::mp4_support();
  if (support.route != media::Mp4Route::kNone) return ".mp4";
  progress.on_warning(str_cat("The clip is written as Y4M, large and without its recipe: ",
                              support.problem, ". ", media::kInstallFfmpeg, " for MP4."));
  return ".y4m";
}

}  // namespace

void check_request(const VideoRequest& request) {
  check_output(request);
  check_prompts(request);
}

void choose_output(VideoRequest& request, uint64_t seed, Progress& progress) {
  request.preview_dir = choose_preview_folder(request.preview_dir, seed);
  if (request.frames_only) return;
  const std::string extension = request.out.empty() ? default_extension(progress) : "";
  request.out = choose_output_path(request.out, seed, request.overwrite, extension);
}

CompleteRequest complete_request(VideoRequest request, const OpenModel& model, Progress& progress) {
  CheckedRun checked = check_sampling(request.sampling, model.facts());
  for (const std::string& warning : checked.warnings) progress.on_warning(warning);
  // From here on nothing about the run is left to chance: a saved job can repeat it.
  request.sampling = complete_sampling(checked.settings);
  choose_output(request, checked.settings.seed, progress);
  return {std::move(request), std::move(checked.settings)};
}

}  // namespace reel::pipeline
