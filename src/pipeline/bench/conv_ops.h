// SPDX-License-Identifier: Apache-2.0
// The convolutions that most of a VAE decode consists of.
#pragma once

#include <reel/bench.h>

#include <vector>

#include "pipeline/bench/timer.h"

namespace reel::pipeline {

struct ConvTimes {
  std::vector<BenchOp> ops;
  double sustained_ops = 0;  // per second
};

// For frames of this size. `limit_ops` is the machine's, per second; 0 where it is not known.
ConvTimes time_convs(Runtime& runtime, int64_t height_px, int64_t width_px, double limit_ops);

}  // namespace reel::pipeline
