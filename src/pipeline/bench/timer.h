// SPDX-License-Identifier: Apache-2.0
// How long work takes where it runs.
#pragma once

#include <functional>
#include <vector>

#include "ops/context.h"
#include "pipeline/runtime.h"

namespace reel::pipeline {

// Times on a GPU by events of its compute stream, on a CPU by the clock.
class Timer {
 public:
  explicit Timer(Runtime& runtime) : runtime_(runtime) {}

  // The median of `repeats` measurements of work(ctx), in seconds a run, after one that does not
  // count. A GPU is asked for all of them before the first is waited for, as for a step of a clip,
  // and short work many times for one measurement.
  double median_seconds(ops::Context& ctx, int repeats,
                        const std::function<void(ops::Context&)>& work);

 private:
  std::vector<double> on_gpu(ops::Context& ctx, int repeats,
                             const std::function<void(ops::Context&)>& work);

  Runtime& runtime_;
};

}  // namespace reel::pipeline
