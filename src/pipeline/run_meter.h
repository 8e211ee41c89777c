// SPDX-License-Identifier: Apache-2.0
// Measures the stages of a run: time, bytes that moved, memory. Where there is a trace, tells it
// the stage and the step.
#pragma once

#include <reel/report.h>

#include <chrono>
#include <optional>

#include "checkpoint/checkpoint.h"
#include "memory/planner.h"
#include "pipeline/memory_watch.h"
#include "pipeline/runtime.h"

namespace reel::pipeline {

class RunMeter {
 public:
  // `runtime` must outlive this object. The whole run's clock starts here.
  explicit RunMeter(Runtime& runtime);

  // Between these two the stage loads its weights, computes, and frees them.
  void begin(memory::Phase stage);
  // Around each denoising step, counted from 0.
  void begin_step(int index);
  void end_step();
  // What was measured since begin().
  const StageReport& end();

  // Of all stages so far.
  RunReport report() const;

 private:
  using Clock = std::chrono::steady_clock;

  Runtime& runtime_;
  const Clock::time_point start_ = Clock::now();
  MemoryWatch watch_;
  RunReport report_;

  // At the last begin().
  Clock::time_point stage_start_, step_start_;
  memory::StreamerStats streamed_before_;
  std::optional<uint64_t> storage_before_;
};

// The line of the log about a stage.
void log_stage(const StageReport& stage, const checkpoint::Component& files,
               const Numbers& numbers);

}  // namespace reel::pipeline
