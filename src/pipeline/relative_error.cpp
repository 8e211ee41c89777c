// SPDX-License-Identifier: Apache-2.0
#include "pipeline/relative_error.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace reel::pipeline {

double relative_error(std::span<const float> got, std::span<const float> want) {
  double gap = 0;
  double size = 0;
  for (size_t at = 0; at < want.size(); ++at) {
    const double difference = double{got[at]} - double{want[at]};
    gap += difference * difference;
    size += double{want[at]} * want[at];
  }
  return gap == 0 ? 0 : std::sqrt(gap / size);
}

double geometric_mean(std::span<const double> errors) {
  double sum = 0;
  for (const double error : errors) sum += std::log(error);
  return std::exp(sum / static_cast<double>(errors.size()));
}

double largest_ratio(std::span<const double> errors, std::span<const double> of) {
  double largest = 0;
  for (size_t at = 0; at < of.size(); ++at) {
    const double ratio = errors[at] / of[at];
    if (std::isnan(ratio)) return ratio;
    largest = std::max(largest, ratio);
  }
  return largest;
}

}  // namespace reel::pipeline
