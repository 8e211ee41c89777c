// SPDX-License-Identifier: Apache-2.0
// How long work takes where it runs.
#pragma once

#include <functional>

#include "ops/context.h"
#include "pipeline/runtime.h"

namespace reel::pipeline {

// Times on a GPU by events of its compute stream, on a CPU by the clock.
class Timer {
 public:
  explicit Timer(Runtime& runtime) : runtime_(runtime) {}

  // The median of `repeats` runs of work(ctx), in seconds, after one that does not count; on a GPU
  // as base/repeated_timing.h says.
  double median_seconds(ops::Context& ctx, int repeats,
                        const std::function<void(ops::Context&)>& work);

 private:
  Runtime& runtime_;
};

}  // namespace reel::pipeline
