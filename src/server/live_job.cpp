// SPDX-License-Identifier: Apache-2.0
#include "server/live_job.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace reel::server {
namespace {

// Which part of a clip's time a stage is, roughly: on slow machines denoising takes most.
struct Phase {
  const char* name;
  int from_percent, to_percent;
};

Phase phase_of(Stage stage) {
  switch (stage) {
    case Stage::kEncodeText: return {"text", 0, 5};
    case Stage::kDenoise: return {"denoise", 5, 80};
    case Stage::kDecode: return {"decode", 80, 99};  // 100 is for a clip that can be had
  }
  return {"load", 0, 0};
}

int percent_of(const Phase& phase, const ProgressEvent& event) {
  const double share = (event.done + event.part) / std::max(1, event.total);
  const int width = phase.to_percent - phase.from_percent;
  return phase.from_percent + static_cast<int>(width * std::clamp(share, 0.0, 1.0));
}

}  // namespace

LiveJob::LiveJob(std::function<void()> changed, std::function<void(const std::string&)> saved,
                 int look_after)
    : changed_(std::move(changed)), saved_(std::move(saved)), look_after_(look_after) {}

LiveState LiveJob::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::string LiveJob::saved_job() const {
  const std::lock_guard lock(mutex_);
  return saved_job_;
}

bool LiveJob::is_to_be_held() const {
  const std::lock_guard lock(mutex_);
  return is_to_be_held_;
}

void LiveJob::on_event(const ProgressEvent& event) {
  const Clock::time_point now = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    const Phase phase = phase_of(event.stage);
    const bool is_new = phase.name != state_.phase || event.done != state_.done;
    if (look_after_ > 0 && event.stage == Stage::kDenoise && event.done >= look_after_) {
      is_to_be_held_ = true;  // a step counts as done when it is saved
      stop_requested = true;
    }
    state_.phase = phase.name;
    state_.done = event.done;
    state_.total = event.total;
    state_.eta_s = event.remaining_seconds;
    state_.percent = std::max(state_.percent, percent_of(phase, event));
    if (!is_new || now - told_ < std::chrono::milliseconds(100)) return;
    told_ = now;
  }
  changed_();
}

void LiveJob::on_preview(const Preview& preview) {
  {
    const std::lock_guard lock(mutex_);
    state_.previews = preview.step;
  }
  changed_();
}

void LiveJob::on_job(std::string_view job_id) {
  {
    const std::lock_guard lock(mutex_);
    saved_job_ = job_id;
  }
  saved_(std::string(job_id));
}

void LiveJob::on_warning(std::string_view text) { log_info(text); }

}  // namespace reel::server
