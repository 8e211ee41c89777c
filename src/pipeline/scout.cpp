// SPDX-License-Identifier: Apache-2.0
#include <reel/scout.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/output_path.h"
#include "media/contact_sheet.h"
#include "media/digits.h"
#include "media/png_encoder.h"
#include "pipeline/clip_run.h"
#include "pipeline/preview_painter.h"
#include "pipeline/run_meter.h"
#include "pipeline/step_taker.h"
#include "pipeline/text_stage.h"
#include "pipeline/video_request.h"

namespace reel {
namespace {

using namespace pipeline;

constexpr int kMostSeeds = 32;
constexpr int kFrames = 4;
constexpr int kDigitScale = 2;
constexpr int kLabelPx = (media::kDigitHeightPx + 3) * kDigitScale;  // with room around the digits

// The jobs of the seeds so far: removed unless all went well.
class Jobs {
 public:
  Jobs() = default;
  ~Jobs() {
    if (is_kept_) return;
    for (Job& job : jobs_) job.finish();
  }
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  void add(Job job) { jobs_.push_back(std::move(job)); }
  void keep() { is_kept_ = true; }
  const std::vector<Job>& all() const { return jobs_; }

 private:
  std::vector<Job> jobs_;
  bool is_kept_ = false;
};

void check_scout(const ScoutRequest& request) {
  REEL_REQUIRE(request.seeds >= 1 && request.seeds <= kMostSeeds, kInvalidArgument,
               str_cat("seeds is ", request.seeds, "; 1 to ", kMostSeeds, " are possible."));
  REEL_REQUIRE(
      request.sheet.empty() || std::filesystem::path(request.sheet).extension() == ".png",
      kInvalidArgument,
      str_cat("The sheet is \"", request.sheet, "\"; a name that ends in .png is needed."));
  check_request(request.video);
}

// The requests of all seeds, checked and completed before anything is computed.
std::vector<CompleteRequest> complete_all(const ScoutRequest& request, const OpenModel& model,
                                          Progress& progress) {
  std::vector<CompleteRequest> all{complete_request(request.video, model, progress)};
  const std::filesystem::path first_out = all.front().request.out;
  for (int at = 1; at < request.seeds; ++at) {
    CompleteRequest next = all.front();
    next.settings.seed += static_cast<uint64_t>(at);
    next.request.sampling.seed = next.settings.seed;
    next.request.out = choose_output_path(request.video.out, next.settings.seed,
                                          request.video.overwrite, first_out.extension().string());
    all.push_back(std::move(next));
  }
  const auto most = static_cast<int>(all.front().settings.levels.timesteps.size());
  REEL_REQUIRE(request.steps >= 1 && request.steps <= most, kInvalidArgument,
               str_cat("The steps before the look are ", request.steps, "; 1 to ", most,
                       " are possible, as many as the clip has."));
  return all;
}

// The seed above frames beside each other.
media::Frame draw_card(uint64_t seed, const Tensor& clean, PreviewPainter& painter) {
  const std::vector<media::Frame> frames = painter.paint(clean, kFrames);
  std::vector<media::FrameView> views;
  views.reserve(frames.size());
  for (const media::Frame& frame : frames) views.push_back(frame.view());
  const media::Frame row =
      media::make_contact_sheet(views, {.columns = static_cast<int>(views.size())});
  media::Frame card(row.height_px + kLabelPx, row.width_px);
  media::draw_number(seed, {.top_px = kDigitScale, .left_px = kDigitScale, .scale = kDigitScale},
                     card);
  std::copy(row.rgb.begin(), row.rgb.end(), card.rgb.end() - std::ssize(row.rgb));
  return card;
}

void write_sheet(const std::vector<media::Frame>& cards, const std::string& path) {
  std::vector<media::FrameView> views;
  views.reserve(cards.size());
  for (const media::Frame& card : cards) views.push_back(card.view());
  OutputFile file(path);
  file.write(media::encode_png(media::make_contact_sheet(views, {.gap_px = 8}).view()));
  file.commit();
}

// The steps of one seed; returns its card.
media::Frame look_at(const CompleteRequest& one, int steps, int steps_before,
                     PreviewPainter& painter, StepTaker& taker, RunMeter& meter,
                     DenoiseState& state) {
  media::Frame card;
  taker.begin(state, steps_before);
  while (state.next_step < steps) {
    meter.begin_step(state.next_step);
    taker.take_next([&](const Tensor& clean, int step, int) {
      if (step == steps) card = draw_card(one.settings.seed, clean, painter);
    });
    meter.end_step();
  }
  return card;
}

}  // namespace

ScoutResult scout(const ModelOptions& options, const ScoutRequest& request, Progress& progress) {
  check_scout(request);
  const OpenModel model(options, Parts{}, progress);
  const std::vector<CompleteRequest> all = complete_all(request, model, progress);
  const RunSettings& settings = all.front().settings;
  ScoutResult result;
  result.sheet = choose_output_path(request.sheet.empty() ? "scout-{seed}.png" : request.sheet,
                                    settings.seed, request.video.overwrite);
  const StopFlag stop(progress.stop_requested);
  const auto own_runtime = Runtime::on_all_devices(options, stop);
  Runtime& runtime = *own_runtime;
  const auto ids = tokenize_request(model, request.video, settings, progress);
  obey_plan(model, {.decode = false},
            {.video = settings.size,
             .steps = request.steps * request.seeds,
             .prompt_tokens = token_counts(ids)},
            runtime);
  RunMeter meter(runtime);
  ProgressClock clock(progress);
  const EncodedText text = run_text_stage(model, runtime, ids, meter, clock, progress);

  Jobs jobs;
  std::vector<media::Frame> cards;
  meter.begin(memory::Phase::kDenoise);
  clock.enter(Stage::kDenoise, request.steps * request.seeds);
  {
    PreviewPainter painter(model, settings.size, runtime);
    StepTaker taker(model, runtime, settings, text.prompts, clock);
    for (const CompleteRequest& one : all) {
      const int before = static_cast<int>(cards.size()) * request.steps;
      DenoiseState state = start_denoising(one.settings);
      cards.push_back(look_at(one, request.steps, before, painter, taker, meter, state));
      Job job = Job::create(options, one.request);
      job.save_prompts(text.prompts);
      job.save_state(state, one.settings);
      jobs.add(std::move(job));
      clock.report(before + request.steps);
    }
  }
  log_stage(meter.end(), *model.files().dit, runtime.numbers());
  write_sheet(cards, result.sheet);
  for (size_t at = 0; at < all.size(); ++at) {
    result.seeds.push_back({.seed = all[at].settings.seed, .job_id = jobs.all()[at].id()});
  }
  jobs.keep();
  result.report = meter.report();
  return result;
}

}  // namespace reel
