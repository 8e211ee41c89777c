// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latent_check.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace reel::pipeline {
namespace {

constexpr double kFlat = 1e-6;  // standard deviation; real latents are near 1

// Not finite when any number is not.
double deviation_of(const Tensor& latents) {
  const auto values = latents.values<float>();
  if (!all_finite(values)) return NAN;
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += value;
    squares += double{value} * value;
  }
  const double count = static_cast<double>(values.size());
  return std::sqrt(std::max(0.0, squares / count - sum / count * (sum / count)));
}

}  // namespace

bool all_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

bool latents_are_usable(const Tensor& latents) {
  const double deviation = deviation_of(latents);
  return std::isfinite(deviation) && (deviation > kFlat || latents.view().elements() == 1);
}

const char* what_is_wrong(const Tensor& latents) {
  return std::isfinite(deviation_of(latents)) ? "a flat latent" : "numbers that are not finite";
}

void require_usable(const Tensor& latents, int step_index, const std::string& kernels) {
  REEL_REQUIRE(latents_are_usable(latents), kBadFile,
               str_cat("Step ", step_index + 1, " ends in ", what_is_wrong(latents), ", also with ",
                       kernels, '.'),
               "The weights are damaged or belong to another model: compare their checksums, or "
               "download them again.");
}

}  // namespace reel::pipeline
