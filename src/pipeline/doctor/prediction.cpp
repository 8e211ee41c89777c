// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/prediction.h"

#include <reel/synth.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/byte_units.h"
#include "base/error.h"
#include "memory/budget.h"
#include "memory/card_model.h"
#include "pipeline/doctor/seconds_text.h"
#include "pipeline/runtime.h"

namespace reel::pipeline {
namespace {

namespace fs = std::filesystem;

// True headers of the published checkpoint, gone at the end of a scope.
class Headers {
 public:
  Headers() : folder_(fs::temp_directory_path() / str_cat("reel-doctor-14b-", ::getpid())) {
    synthesize({.layout = "distill_fp8",
                .preset = "wan2.1-t2v-14b",
                .out = folder_.string(),
                .sparse = true});
  }
  ~Headers() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

// The request's model, or the 14B's headers.
class ClipOfRequest {
 public:
  ClipOfRequest(const DoctorRequest& request, Progress& progress)
      : wanted_{.model = request.model, .sampling = request.sampling} {
    if (!request.model.model.empty()) return;
    progress.on_note("Planning a clip of the published 14B (distill_fp8).");
    headers_.emplace();
    wanted_.model.model = headers_->folder().string();
    wanted_.model.checkpoint_kind = "distilled";
  }

  Plan plan(const std::string& as_gpu = {}) {
    wanted_.as_gpu = as_gpu;
    return make_plan(wanted_);
  }
  bool takes_fp8_values(const memory::Card& card) const {
    const std::string& precision = wanted_.model.precision;
    return precision == kFp8ValuesPrecision || (precision == "auto" && fp8_values_are_faster(card));
  }
  Plan plan_with_f16_values(const std::string& gpu) const {
    PlanRequest wanted = wanted_;
    wanted.as_gpu = gpu;
    wanted.model.precision = "int8";
    return make_plan(wanted);
  }

 private:
  PlanRequest wanted_;
  std::optional<Headers> headers_;
};

const StagePlan* denoise_of(const Plan& plan) {
  const auto found = std::find_if(plan.stages.begin(), plan.stages.end(),
                                  [](const StagePlan& one) { return one.stage == "denoise"; });
  return found == plan.stages.end() ? nullptr : &*found;
}

double step_seconds(const StagePlan& denoise) {
  return std::max(denoise.compute_s, denoise.stream_s);
}

Finding on_link(const StagePlan& denoise) {
  Finding finding{.area = "streaming", .text = {}, .advice = {}};
  if (denoise.later_pass_bytes == 0) {
    finding.text = "all blocks stay on the GPU; neither link nor disk matter after the first step";
    return finding;
  }
  const std::string bytes = format_bytes(denoise.later_pass_bytes);
  if (denoise.stream_s < denoise.compute_s) {
    finding.text = str_cat(bytes, " move in every step, in ", seconds_text(denoise.stream_s),
                           " behind ", seconds_text(denoise.compute_s),
                           " of computing: a faster link or disk would change nothing");
    return finding;
  }
  finding.health = Health::kRemark;
  finding.text = str_cat(bytes, " move in every step, which takes ", seconds_text(denoise.stream_s),
                         "; the GPU computes for ", seconds_text(denoise.compute_s));
  finding.advice = denoise.later_pass_disk_bytes > 0
                       ? "They come from disk: more free memory, or a faster drive, would help."
                       : "A slot with more lanes, or a smaller clip, would help.";
  return finding;
}

}  // namespace

Plan predict_clip(const DoctorRequest& request, Progress& progress) {
  return ClipOfRequest(request, progress).plan();
}

std::vector<Finding> findings_on(const Plan& plan) {
  const std::string clip = str_cat(plan.width_px, " wide x ", plan.height_px, " high, ",
                                   plan.frames, " frames, ", plan.steps, " steps");
  if (!plan.fits) {
    return {{.area = "clip time",
             .health = Health::kProblem,
             .text = str_cat(clip, ": does not fit. ", plan.refusal),
             .advice = plan.alternatives.empty()
                           ? std::string()
                           : str_cat("What would fit: ", plan.alternatives.front(), '.')}};
  }
  std::vector<Finding> findings;
  const StagePlan* const denoise = denoise_of(plan);
  Finding time{.area = "clip time",
               .text = str_cat(clip, ": ", seconds_text(plan.total_s), " from a cold disk"),
               .advice = {}};
  if (denoise != nullptr) {
    time.text += str_cat(", ", seconds_text(step_seconds(*denoise)), " a step, ",
                         format_bytes(plan.context_bytes + plan.arena_bytes), " of GPU memory");
  }
  time.text += plan.is_assumed
                   ? str_cat(". A prediction: the speed of an ", plan.gpu, " is assumed")
                   : ". A prediction from what was measured here";
  findings.push_back(std::move(time));
  if (denoise != nullptr) findings.push_back(on_link(*denoise));
  return findings;
}

}  // namespace reel::pipeline

namespace reel {

std::vector<CardPrediction> predict_cards(const std::vector<std::string>& gpus,
                                          const DoctorRequest& request, Progress& progress) {
  pipeline::ClipOfRequest clip(request, progress);
  std::vector<CardPrediction> predictions;
  for (const std::string& gpu : gpus) {
    CardPrediction one{.plan = clip.plan(gpu)};
    const memory::Rates rates = memory::assumed_machine(one.plan.gpu).rates;
    one.int8_ops = rates.int8_ops;
    one.attention_ops = rates.attention_ops;
    one.conv_ops = rates.conv_ops;
    one.memory_bytes = rates.memory_bytes;
    const memory::Card* const card = memory::find_card(one.plan.gpu);
    if (card != nullptr && clip.takes_fp8_values(*card)) {
      one.f16_values_attention_ops = rates.attention_ops;
      one.attention_ops = memory::predicted_e4m3_attention(*card);
      const Plan plan = clip.plan_with_f16_values(gpu);
      const StagePlan* const denoise = pipeline::denoise_of(plan);
      if (denoise != nullptr) one.f16_values_step_s = pipeline::step_seconds(*denoise);
    }
    predictions.push_back(std::move(one));
  }
  return predictions;
}

}  // namespace reel
