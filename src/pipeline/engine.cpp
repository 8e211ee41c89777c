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
#include "pipeline/clip_run.h"
#include "pipeline/job_state.h"
#include "pipeline/output_path.h"
#include "pipeline/recipe.h"
#include "pipeline/text_to_video.h"
#include "tokenizer/prompt_cleaning.h"

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

void check_output(const VideoRequest& request) {
  REEL_REQUIRE(request.fps >= 1 && request.fps <= 240, kInvalidArgument,
               str_cat("fps is ", request.fps, "; 1 to 240 are possible."));
  REEL_REQUIRE(request.quality >= 0 && request.quality <= 51, kInvalidArgument,
               str_cat("quality is ", request.quality, "; 0 (lossless) to 51 are possible."));
  REEL_REQUIRE(!request.frames_only || request.out.empty(), kInvalidArgument,
               str_cat("An output was named, \"", request.out, "\", but only frames are wanted."),
               "Leave one of them out.");
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
void choose_output(VideoRequest& request, uint64_t seed, Progress& progress) {
  request.preview_dir = choose_preview_folder(request.preview_dir, seed);
  if (request.frames_only) return;
  const std::string extension = request.out.empty() ? default_extension(progress) : "";
  request.out = choose_output_path(request.out, seed, request.overwrite, extension);
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

}  // namespace

class Engine::Impl {
 public:
  explicit Impl(const ModelOptions& options) : options_(options) {}

  // The request with every gap filled, and what that comes to.
  std::pair<VideoRequest, RunSettings> complete(VideoRequest request, Progress& progress) {
    check_output(request);
    check_prompts(request);
    const OpenModel& model = open(progress);
    CheckedRun checked = check_sampling(request.sampling, model.facts());
    for (const std::string& warning : checked.warnings) progress.on_warning(warning);
    // From here on nothing about the run is left to chance: a saved job can repeat it.
    request.sampling = complete_sampling(checked.settings);
    choose_output(request, checked.settings.seed, progress);
    return {std::move(request), std::move(checked.settings)};
  }

  VideoResult generate(const VideoRequest& request, Progress& progress) {
    const auto [complete_request, settings] = complete(request, progress);
    Job job = Job::create(options_, complete_request);
    return run(job, complete_request, settings, progress);
  }

  VideoResult resume(const std::string& job_id, Progress& progress) {
    Job job = Job::open(job_id);
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
    Runtime runtime(options_, stop);
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
  return impl_->complete(request, progress).first;
}

VideoResult Engine::resume(const std::string& job_id, Progress& progress) {
  return impl_->resume(job_id, progress);
}

SavedJob load_job(const std::string& job_id) {
  const Job job = Job::open(job_id);
  return {.model = job.model(), .request = job.request()};
}

std::string build_summary() {
  return str_cat("reel ", kVersion, " (", cpu::kernels_summary(), ')');
}

}  // namespace reel
