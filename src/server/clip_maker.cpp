// SPDX-License-Identifier: Apache-2.0
#include "server/clip_maker.h"

#include <filesystem>
#include <utility>

#include "base/log.h"

namespace reel::server {
namespace {

class Warnings : public Progress {
 public:
  explicit Warnings(std::vector<std::string>& to) : to_(to) {}
  void on_warning(std::string_view text) override { to_.emplace_back(text); }

 private:
  std::vector<std::string>& to_;
};

std::string name_of(const std::string& model) {
  if (model.empty()) return "reel-demo";
  const std::filesystem::path path = std::filesystem::path(model).lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

VideoRequest request_of(const Job& job, const ClipPlaces& places) {
  const ClipSettings& clip = job.clip;
  VideoRequest request;
  request.prompt = clip.prompt;
  request.negative_prompt = clip.negative_prompt;
  request.sampling.seed = clip.seed;
  request.sampling.width_px = clip.width_px;
  request.sampling.height_px = clip.height_px;
  request.sampling.frames = clip.frames;
  request.sampling.steps = clip.steps;
  request.sampling.sampler = clip.sampler;
  request.sampling.shift = static_cast<float>(clip.shift);
  request.sampling.guidance = static_cast<float>(clip.guidance);
  request.fps = clip.fps;
  request.out = places.clip;
  request.preview_dir = places.previews;
  request.overwrite = true;
  return request;
}

}  // namespace

SamplingOptions sampling_of(const ClipRequest& request) {
  SamplingOptions sampling;
  sampling.seed = request.seed;
  sampling.width_px = request.width_px;
  sampling.height_px = request.height_px;
  sampling.frames = request.frames;
  sampling.steps = request.steps;
  sampling.shift = request.shift;
  sampling.guidance = request.guidance;
  sampling.sampler = request.sampler;
  return sampling;
}

ClipMaker::ClipMaker(const ModelOptions& model)
    : model_(model), name_(name_of(model.model)), checker_(model) {
  // Opens the model now: a server with none should not start.
  std::vector<std::string> warnings;
  ClipRequest request;
  request.prompt = "a red ball";
  check(request, warnings);
}

ClipSettings ClipMaker::check(const ClipRequest& request, std::vector<std::string>& warnings) {
  check_limits(request);
  VideoRequest asked;
  asked.prompt = request.prompt;
  asked.negative_prompt = request.negative_prompt;
  asked.sampling = sampling_of(request);
  asked.fps = request.fps.value_or(16);
  asked.frames_only = true;
  Warnings progress(warnings);
  const std::lock_guard lock(checking_);
  const SamplingOptions whole = checker_.check(asked, progress).sampling;
  return {.prompt = request.prompt,
          .negative_prompt = request.negative_prompt,
          .width_px = *whole.width_px,
          .height_px = *whole.height_px,
          .frames = *whole.frames,
          .steps = *whole.steps,
          .fps = asked.fps,
          .sampler = whole.sampler,
          .shift = *whole.shift,
          .guidance = *whole.guidance,
          .seed = *whole.seed};
}

VideoResult ClipMaker::make(const Job& job, const ClipPlaces& places, Progress& progress) {
  if (!engine_) engine_ = std::make_unique<Engine>(model_);
  if (!job.saved_job.empty()) {
    try {
      // The data folder may have been moved since.
      const ResumeOptions here{
          .out = places.clip, .preview_dir = places.previews, .overwrite = true};
      return engine_->resume(job.saved_job, here, progress);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound && error.code() != ErrorCode::kBadFile) throw;
      log_info(std::string("A saved job cannot be continued and is begun anew: ") + error.what());
      forget_job(job.saved_job);
    }
  }
  return engine_->generate(request_of(job, places), progress);
}

}  // namespace reel::server
