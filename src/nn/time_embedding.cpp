// SPDX-License-Identifier: Apache-2.0
#include "nn/time_embedding.h"

#include <cmath>

namespace reel::nn {

void fill_time_sinusoid(double timestep, const TensorView& out) {
  const int64_t half = out.elements() / 2;
  for (int64_t at = 0; at < half; ++at) {
    const double exponent = -static_cast<double>(at) / static_cast<double>(half);
    const double angle = timestep * std::pow(10000.0, exponent);
    out.as<float>()[at] = static_cast<float>(std::cos(angle));
    out.as<float>()[half + at] = static_cast<float>(std::sin(angle));
  }
}

}  // namespace reel::nn
