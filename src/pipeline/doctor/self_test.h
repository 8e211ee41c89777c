// SPDX-License-Identifier: Apache-2.0
// Whether the kernels of this machine compute what the readable ones do.
#pragma once

#include <string>
#include <vector>

#include "base/stop.h"
#include "pipeline/runtime.h"

namespace reel::pipeline {

struct KernelCheck {
  std::string op, shape;
  // |ours - reference| / |reference| over the whole result.
  double error = 0, allowed = 0;

  bool passes() const { return error <= allowed; }  // a NaN does not
};

// Runs every kind of op that a clip needs on random numbers, at sizes that no tile divides, and on
// the reference kernels of the CPU. In the precision of `runtime`. Takes some seconds.
std::vector<KernelCheck> check_kernels(Runtime& runtime);

}  // namespace reel::pipeline
