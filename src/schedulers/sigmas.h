// SPDX-License-Identifier: Apache-2.0
// Which noise levels a run visits, and the timestep the network is told at each.
#pragma once

#include <span>
#include <vector>

namespace reel::schedulers {

// One run: x = (1 - sigma) * clean + sigma * noise, from sigmas[0] down to 0.
struct NoiseLevels {
  std::vector<float> sigmas;     // one more than there are steps; the last is 0
  std::vector<float> timesteps;  // what the network gets; 1000 * sigma, rounded as its trainer did
};

// The step list of a distilled model for any number of steps: 1000 - 1000 * i / steps, to the
// nearest. 4 steps: 1000, 750, 500, 250. Throws kInvalidArgument outside 1..1000.
std::vector<int> distill_step_list(int steps);

// Levels of a distilled model: s = entry / 1000, sigma = shift * s / (1 + (shift - 1) * s),
// timestep = 1000 * sigma, not rounded to an integer.
//
// Numerics: float32 throughout, on the grid of torch.linspace(1, 0, 1001) as PyTorch 2 makes it on
// a CPU with FMA; without FMA PyTorch differs in the last bit of some entries.
// Throws kInvalidArgument when an entry is outside 1..1000, the list does not fall, or shift <= 0.
// Source: LightX2V, models/schedulers/wan/step_distill/scheduler.py.
NoiseLevels distill_levels(std::span<const int> step_list, double shift);

// Levels of a base model: `steps` values from 0.999 towards 0, shifted; timesteps are truncated
// to integers.
//
// Numerics: float64, timesteps taken from it, then sigmas rounded to float32.
// Source: Wan 2.1, wan/utils/fm_solvers_unipc.py, set_timesteps.
NoiseLevels unipc_levels(int steps, double shift);

}  // namespace reel::schedulers
