// SPDX-License-Identifier: Apache-2.0
#include "pipeline/progress_clock.h"

namespace reel::pipeline {

void ProgressClock::enter(Stage stage, int total) {
  stage_ = stage;
  total_ = total;
  start_ = Clock::now();
  report(0);
}

double ProgressClock::stage_seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void ProgressClock::report(int done, double part) {
  const double fraction = total_ == 0 ? 0 : (done + part) / total_;
  const double seconds = stage_seconds();
  ProgressEvent event{.stage = stage_,
                      .done = done,
                      .total = total_,
                      .part = part,
                      .stage_seconds = seconds,
                      .remaining_seconds = -1};
  if (fraction > 0) event.remaining_seconds = seconds * (1 - fraction) / fraction + after_seconds_;
  progress_.on_event(event);
}

}  // namespace reel::pipeline
