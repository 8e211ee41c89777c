// SPDX-License-Identifier: Apache-2.0
#include "server/routes_plans.h"

#include <reel/plan.h>

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "server/clip_maker.h"
#include "server/http/api_error.h"
#include "server/json_answer.h"
#include "server/video_json.h"

namespace reel::server {
namespace {

using nlohmann::json;

// The model's headers are read for every plan: by one request at a time, so that many cost no more
// than one.
class Plans {
 public:
  Plans(ModelOptions model, std::string name) : model_(std::move(model)), name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  Plan make(const ClipRequest& request) {
    check_limits(request);
    const std::lock_guard lock(mutex_);
    return make_plan({.model = model_,
                      .sampling = sampling_of(request),
                      .prompt = request.prompt,
                      .negative_prompt = request.negative_prompt,
                      .as_gpu = {}});
  }

 private:
  const ModelOptions model_;
  const std::string name_;
  std::mutex mutex_;
};

std::string size_text(const FrameSize& size) { return str_cat(size.width_px, 'x', size.height_px); }

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json change_json(const PlanChange& change) {
  return {{"text", change.text},
          {"frames", or_null(change.frames)},
          {"size", change.size ? json(size_text(*change.size)) : json()},
          {"gpu_bytes", or_null(change.card_bytes)}};
}

json plan_json(const Plan& plan, int fps) {
  json nearest = json::array();
  for (const PlanChange& change : plan.changes) nearest.push_back(change_json(change));
  return {{"object", "plan"},
          {"fits", plan.fits},
          {"refusal", plan.fits ? json() : json(plan.refusal)},
          {"nearest", nearest},
          {"size", size_text({plan.width_px, plan.height_px})},
          {"frames", plan.frames},
          {"fps", fps},
          {"seconds", seconds_of(plan.frames, fps)},
          {"steps", plan.steps},
          {"guided", plan.guided},
          {"gpu", {{"name", plan.gpu}, {"is_here", plan.is_gpu_here}, {"bytes", plan.card_bytes}}},
          {"gpu_bytes", plan.context_bytes + plan.arena_bytes},
          {"host_bytes", plan.host_bytes},
          {"predicted_seconds", plan.fits ? json(plan.total_s) : json()},
          {"measured", !plan.is_assumed},
          {"warnings", plan.warnings},
          {"notes", plan.notes}};
}

json model_json(const std::string& name, const Plan& usual) {
  json sizes = json::array();
  for (const FrameSize& size : usual.trained_sizes) sizes.push_back(size_text(size));
  return {{"id", name},
          {"object", "model"},
          {"created", 0},
          {"owned_by", "reel"},
          {"sizes", sizes},
          {"frames", usual.frames},
          {"fps", kFramesPerSecond},
          {"steps", usual.steps},
          {"guided", usual.guided},
          {"limits",
           {{"side", kLongestSidePx},
            {"pixels", kMostPixels},
            {"frames", kMostFrames},
            {"steps", kMostSteps},
            {"prompt_bytes", kMostPromptBytes}}}};
}

}  // namespace

std::vector<Route> plan_routes(const ModelOptions& model, const std::string& name) {
  const auto plans = std::make_shared<Plans>(model, name);
  return {{"POST", "/v1/plans",
           [plans](const HttpRequest& request, const PathValues&) {
             const ClipRequest clip = read_video_request(request, plans->name());
             return answer(plan_json(plans->make(clip), clip.fps.value_or(kFramesPerSecond)));
           }},
          {"GET", "/v1/models/{id}", [plans](const HttpRequest&, const PathValues& path) {
             if (path.at("id") != plans->name()) {
               throw ApiError(404, str_cat("The model here is \"", plans->name(), "\"."),
                              "model_not_found");
             }
             return answer(model_json(plans->name(), plans->make({})));
           }}};
}

}  // namespace reel::server
