// SPDX-License-Identifier: Apache-2.0
// Opens a model and makes clips: who owns what, what is saved, what the recipe says.
#include <reel/engine.h>
#include <reel/version.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "backends/cpu/backend.h"
#include "base/error.h"
#include "media/frame.h"
#include "media/frame_writer.h"
#include "media/mp4_encoders.h"
#include "media/mp4_writer.h"
#include "pipeline/clip_run.h"
#include "pipeline/job_state.h"
#include "pipeline/recipe.h"
#include "pipeline/text_to_video.h"
#include "pipeline/video_request.h"

namespace reel {
namespace {

using namespace pipeline;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

media::WriterOptions writer_options(const VideoRequest& request, const VideoSize& size) {
  return {.width_px = static_cast<int>(size.width_px),
          .height_px = static_cast<int>(size.height_px),
          .frame_rate = {request.fps, 1},
          .quality = request.quality,
          .encoders = {}};
}

// Takes frames and keeps none: their digest is the writer's.
class NoFile : public media::FrameFile {
 public:
  void add(const media::FrameView&) override {}
  void finish(const std::string&, const StopFlag*) override {}
};

std::unique_ptr<media::FrameWriter> open_writer(const VideoRequest& request,
                                                const VideoSize& size) {
  const media::WriterOptions options = writer_options(request, size);
  if (!request.frames_only) return media::make_frame_writer(request.out, options);
  return std::make_unique<media::FrameWriter>(std::make_unique<NoFile>(), options);
}

// Where the clip goes, when it goes anywhere.
}  // namespace

class Engine::Impl {
 public:
  explicit Impl(const ModelOptions& options) : options_(options) {}

  // The request with every gap filled, and what that comes to.
  CompleteRequest complete(const VideoRequest& request, Progress& progress) {
    check_request(request);
    return complete_request(request, open(progress), progress);
  }

  VideoResult generate(const VideoRequest& request, Progress& progress) {
    const auto [whole, settings] = complete(request, progress);
    Job job = Job::create(options_, whole);
    progress.on_job(job.id());
    return run(job, whole, settings, progress);
  }

  VideoResult resume(const std::string& job_id, const ResumeOptions& changes, Progress& progress) {
    Job job = Job::open(job_id);
    job.change(changes);
    progress.on_job(job.id());
    const OpenModel& model = open(progress);
    const CheckedRun checked = check_sampling(job.request().sampling, model.facts());
    VideoRequest request = job.request();
    choose_output(request, checked.settings.seed, progress);
    return run(job, request, checked.settings, progress);
  }

 private:
  OpenModel& open(Progress& progress) {
    if (!model_) model_ = std::make_unique<OpenModel>(options_, Parts{}, progress);
    return *model_;
  }

  VideoResult run(Job& job, const VideoRequest& request, const RunSettings& settings,
                  Progress& progress) {
    try {
      return make_clip(job, request, settings, progress);
    } catch (const Error& error) {
      if (!job.can_resume()) throw;
      const std::string how = str_cat("Continue with: reel generate --resume ", job.id());
      fail(error.code(), error.what(),
           error.hint().empty() ? how : str_cat(error.hint(), ' ', how));
    }
  }

  VideoResult make_clip(Job& job, const VideoRequest& request, const RunSettings& settings,
                        Progress& progress) {
    const Clock::time_point start = Clock::now();
    const StopFlag stop(progress.stop_requested);
    const auto own_runtime = Runtime::on_all_devices(options_, stop);
    Runtime& runtime = *own_runtime;
    const auto writer = open_writer(request, settings.size);
    const ClipRun clip = run_clip(
        *model_, runtime, request, settings, &job, progress, [&](const media::FrameView& frame) {
          const int index = static_cast<int>(writer->frames_added());
          writer->add(frame);
          progress.on_frame({frame.rgb.data(), frame.height_px, frame.width_px, index});
        });

    Recipe recipe = describe(request, settings, runtime, clip);
    recipe.frames_digest = writer->digest_hex();
    const std::string json = to_json(recipe);
    writer->finish(request.write_recipe ? json : std::string(), &stop);
    job.finish();
    VideoResult result{.path = request.out,
                       .seed = settings.seed,
                       .width_px = static_cast<int>(settings.size.width_px),
                       .height_px = static_cast<int>(settings.size.height_px),
                       .frames = static_cast<int>(writer->frames_added()),
                       .frames_digest = recipe.frames_digest,
                       .recipe_json = json,
                       .job_id = job.id(),
                       .report = clip.report};
    result.report.total_s = seconds_since(start);
    return result;
  }

  Recipe describe(const VideoRequest& request, const RunSettings& settings, const Runtime& runtime,
                  const ClipRun& clip) const {
    return describe_clip(*model_, request.prompt, request.negative_prompt, settings, runtime, clip,
                         request.fps);
  }

  ModelOptions options_;
  std::unique_ptr<OpenModel> model_;
};

Engine::Engine(const ModelOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Engine::~Engine() = default;

VideoResult Engine::generate(const VideoRequest& request, Progress& progress) {
  return impl_->generate(request, progress);
}

VideoRequest Engine::check(const VideoRequest& request, Progress& progress) {
  return impl_->complete(request, progress).request;
}

VideoResult Engine::resume(const std::string& job_id, Progress& progress) {
  return impl_->resume(job_id, {}, progress);
}

VideoResult Engine::resume(const std::string& job_id, const ResumeOptions& changes,
                           Progress& progress) {
  return impl_->resume(job_id, changes, progress);
}

SavedJob load_job(const std::string& job_id) {
  const Job job = Job::open(job_id);
  return {.model = job.model(), .request = job.request()};
}

void forget_job(const std::string& job_id) { Job::forget(job_id); }

void require_mp4() {
  const media::Mp4Support support = media::mp4_support();
  REEL_REQUIRE(support.route != media::Mp4Route::kNone, kUnsupported,
               str_cat("MP4 files cannot be written: ", support.problem, "."),
               str_cat(media::kInstallFfmpeg, "."));
}

std::string build_summary() {
  return str_cat("reel ", kVersion, " (", cpu::kernels_summary(), ')');
}

std::string build_features() {
  std::string encoders;
  for (const char* name : media::kEncoders) {
    encoders += (encoders.empty() ? "" : ", ") + std::string(name);
  }
  return str_cat(REEL_CUDA_BUILD, "\nMP4 through FFmpeg, with the first that it has of ", encoders);
}

}  // namespace reel
