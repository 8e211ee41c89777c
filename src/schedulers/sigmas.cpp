// SPDX-License-Identifier: Apache-2.0
#include "schedulers/sigmas.h"

#include <cmath>

#include "base/error.h"

namespace reel::schedulers {
namespace {

constexpr int kTrainSteps = 1000;

void require_shift(double shift) {
  REEL_REQUIRE(std::isfinite(shift) && shift > 0, kInvalidArgument,
               str_cat("shift is ", shift, ", must be above 0."), "Use 5, or 3 for small frames.");
}

void require_steps(int steps) {
  REEL_REQUIRE(steps >= 1 && steps <= kTrainSteps, kInvalidArgument,
               str_cat("steps is ", steps, ", must be 1 to ", kTrainSteps, "."),
               "Use 4 for a distilled model, 50 for a base model.");
}

// Element `index` of torch.linspace(1, 0, 1001) in float32: PyTorch counts from the nearer end, and
// its kernel multiplies and adds with one rounding (a double holds the product exactly).
float falling_grid(int index) {
  constexpr double kStep = -1.0f / static_cast<float>(kTrainSteps);
  if (index < (kTrainSteps + 1) / 2) return static_cast<float>(1.0 + kStep * index);
  return static_cast<float>(-kStep * (kTrainSteps - index));
}

}  // namespace

std::vector<int> distill_step_list(int steps) {
  require_steps(steps);
  std::vector<int> list;
  list.reserve(static_cast<size_t>(steps));
  for (int index = 0; index < steps; ++index) {
    list.push_back((2 * kTrainSteps * (steps - index) + steps) / (2 * steps));
  }
  return list;
}

NoiseLevels distill_levels(std::span<const int> step_list, double shift) {
  require_shift(shift);
  REEL_REQUIRE(!step_list.empty(), kInvalidArgument, "The step list is empty.",
               "Use 1000, 750, 500, 250.");
  NoiseLevels levels;
  int before = kTrainSteps + 1;
  for (const int entry : step_list) {
    REEL_REQUIRE(entry >= 1 && entry < before, kInvalidArgument,
                 str_cat("The step list has ", entry, " at place ", levels.sigmas.size() + 1,
                         ", must be 1 to ", before - 1, " there: entries fall from at most 1000."),
                 "Use 1000, 750, 500, 250.");
    before = entry;
    const float s = falling_grid(kTrainSteps - entry);
    const float sigma =
        static_cast<float>(shift) * s / (1.0f + static_cast<float>(shift - 1.0) * s);
    levels.sigmas.push_back(sigma);
    levels.timesteps.push_back(sigma * static_cast<float>(kTrainSteps));
  }
  levels.sigmas.push_back(0.0f);
  return levels;
}

NoiseLevels unipc_levels(int steps, double shift) {
  require_shift(shift);
  require_steps(steps);
  // 1 - 1/1000 went through float32 in the reference; an exact 0.999 moves some timesteps by one.
  const double largest = static_cast<float>(1.0 - 1.0 / kTrainSteps);
  const double step = -largest / steps;
  NoiseLevels levels;
  for (int index = 0; index < steps; ++index) {
    const double s = index * step + largest;
    const double sigma = shift * s / (1.0 + (shift - 1.0) * s);
    levels.sigmas.push_back(static_cast<float>(sigma));
    levels.timesteps.push_back(static_cast<float>(std::trunc(sigma * kTrainSteps)));
  }
  levels.sigmas.push_back(0.0f);
  return levels;
}

}  // namespace reel::schedulers
