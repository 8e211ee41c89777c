// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latent_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace reel::pipeline {
namespace {

constexpr double kFlat = 1e-6;  // standard deviation; real latents are near 1

// Sums of several numbers at a time, so that no addition waits for the one before.
constexpr size_t kLanes = 8;

// Not finite when any number is not: squares of floats do not overflow a double.
double deviation_of(const Tensor& latents) {
  const auto values = latents.values<float>();
  std::array<double, kLanes> sums{};
  std::array<double, kLanes> squares{};
  const size_t whole = values.size() / kLanes * kLanes;
  for (size_t at = 0; at < whole; at += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[at + lane];
      sums[lane] += value;
      squares[lane] += value * value;
    }
  }
  for (size_t at = whole; at < values.size(); ++at) {
    sums[0] += values[at];
    squares[0] += double{values[at]} * values[at];
  }
  const double count = static_cast<double>(values.size());
  const double mean = std::accumulate(sums.begin(), sums.end(), 0.0) / count;
  const double square = std::accumulate(squares.begin(), squares.end(), 0.0) / count;
  return std::isfinite(square) ? std::sqrt(std::max(0.0, square - mean * mean)) : NAN;
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
