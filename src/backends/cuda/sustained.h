// SPDX-License-Identifier: Apache-2.0
// How a card runs while it computes without a pause.
#pragma once

#include "backends/cuda/nvml.h"

namespace reel::cuda {

struct Sustained {
  double sm_clock_hz = 0, power_w = 0;  // 0 where the driver does not tell
};

// Of the current GPU under INT8 products (limits.h), for about a second.
Sustained sustained_int8(const Nvml& nvml);

}  // namespace reel::cuda
