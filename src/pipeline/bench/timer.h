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
  explicit Timer(Runtime& runtime);

  // The median of `repeats` runs of work(ctx), in seconds, after one that does not count.
  double median_seconds(ops::Context& ctx, int repeats,
                        const std::function<void(ops::Context&)>& work);

 private:
  double once(ops::Context& ctx, const std::function<void(ops::Context&)>& work);

  Runtime& runtime_;
  OwnedEvent begin_, end_;  // on a GPU
};

}  // namespace reel::pipeline
