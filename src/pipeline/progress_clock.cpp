// SPDX-License-Identifier: Apache-2.0
#include "pipeline/progress_clock.h"

namespace reel::pipeline {

void ProgressClock::enter(Stage stage, int total, int before) {
  stage_ = stage;
  total_ = total;
  before_ = before;
  start_ = Clock::now();
  report(before);
}

double ProgressClock::stage_seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void ProgressClock::report(int done, double part) {
  const double here = done - before_ + part;  // what the seconds were spent on
  const double seconds = stage_seconds();
  ProgressEvent event{.stage = stage_,
                      .done = done,
                      .total = total_,
                      .part = part,
                      .stage_seconds = seconds,
                      .remaining_seconds = -1};
  if (here > 0) {
    event.remaining_seconds = seconds / here * (total_ - done - part) + after_seconds_;
  }
  progress_.on_event(event);
}

}  // namespace reel::pipeline
