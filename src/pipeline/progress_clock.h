// SPDX-License-Identifier: Apache-2.0
// Turns what the stages report into progress events with a remaining time.
#pragma once

#include <reel/progress.h>

#include <chrono>
#include <functional>
#include <string>

namespace reel::pipeline {

class ProgressClock {
 public:
  explicit ProgressClock(Progress& progress) : progress_(progress) {}

  // Begins a stage of `total` units; `before` of them were done by an earlier run.
  void enter(Stage stage, int total, int before = 0);
  // `done` units are complete and `part` of the next one is.
  void report(int done, double part = 0);
  void warn(const std::string& text) { progress_.on_warning(text); }
  // Seconds since enter().
  double stage_seconds() const;

  // What the stage after this one will take, from earlier runs; 0 when unknown.
  void expect_after(double seconds) { after_seconds_ = seconds; }

 private:
  using Clock = std::chrono::steady_clock;

  Progress& progress_;
  Stage stage_ = Stage::kEncodeText;
  int total_ = 0;
  int before_ = 0;
  double after_seconds_ = 0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace reel::pipeline
