// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/clip_times.h"

#include <reel/recipe.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/byte_units.h"
#include "base/error.h"
#include "pipeline/doctor/seconds_text.h"
#include "pipeline/recipe.h"

namespace reel::pipeline {
namespace {

using nlohmann::json;

// A prediction that is this close is right.
constexpr double kWithin = 1.15;
// Waiting that takes this share of a stage is why it was slow.
constexpr double kMuchWaiting = 0.1;

std::string why_slow(const MadeClip::Stage& made) {
  if (made.stall_s < kMuchWaiting * made.seconds) {
    return "It did not wait for weights, so computing was slow: look at the power limit, at the "
           "card's temperature and at other programs that used it.";
  }
  std::string text = str_cat("It waited ", seconds_text(made.stall_s), " for weights");
  text += made.storage_bytes > 0
              ? str_cat(", of which ", format_bytes(made.storage_bytes),
                        " came from disk: a second clip finds them in the page cache where memory "
                        "allows.")
              : std::string(
                    ", which came from the page cache: something else used the link or the "
                    "processor.");
  return text;
}

Finding compare(const MadeClip::Stage& made, double predicted_s) {
  Finding finding{.area = "this clip",
                  .text = str_cat(made.stage, ": ", seconds_text(made.seconds), ", predicted ",
                                  seconds_text(predicted_s)),
                  .advice = {}};
  if (made.seconds > kWithin * predicted_s) {
    finding.health = Health::kRemark;
    finding.advice = why_slow(made);
  }
  return finding;
}

}  // namespace

MadeClip read_made_clip(const std::string& clip) {
  const Recipe recipe = recipe_from_json(read_recipe(clip));
  MadeClip made{.model_name = recipe.model_name,
                .device = recipe.device,
                .sampling = recipe.sampling,
                .stages = {}};
  try {
    const json measured = json::parse(recipe.measured.empty() ? "{}" : recipe.measured);
    for (const json& stage : measured.at("stages")) {
      made.stages.push_back({.stage = stage.at("stage"),
                             .seconds = stage.at("seconds"),
                             .stall_s = stage.at("stall_seconds"),
                             .storage_bytes = stage.value("storage_bytes", uint64_t{0})});
    }
  } catch (const json::exception&) {
    fail(ErrorCode::kBadFile, str_cat('"', clip, "\" does not tell what making it took."),
         "Clips of reel generate do.");
  }
  return made;
}

std::vector<Finding> compare_times(const MadeClip& clip, const Plan& plan) {
  std::vector<Finding> findings;
  for (const StagePlan& planned : plan.stages) {
    const auto made =
        std::find_if(clip.stages.begin(), clip.stages.end(),
                     [&](const MadeClip::Stage& one) { return one.stage == planned.stage; });
    if (made != clip.stages.end()) findings.push_back(compare(*made, planned.total_s));
  }
  return findings;
}

}  // namespace reel::pipeline
