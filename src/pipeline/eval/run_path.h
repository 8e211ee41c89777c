// SPDX-License-Identifier: Apache-2.0
// One path through a whole run of the DiT, with its errors on the way.
#pragma once

#include <functional>
#include <vector>

#include "pipeline/denoiser.h"

namespace reel::pipeline {

// What all paths of one evaluation share.
struct EvalScene {
  const OpenModel& model;
  const RunSettings& settings;
  const EncodedPrompts& prompts;
  int count = 1;                        // runs, with seeds that follow each other
  std::function<void(double)> on_part;  // of a forward, 0 to 1; after 1 the next one begins
};

struct Denoised {
  Tensor velocity;  // of the first step
  Tensor latents;   // after all steps
};
struct ExactRuns {
  std::vector<Tensor> outputs;  // [tokens, dim] f32 of every block, first step of the first run
  std::vector<Denoised> runs;
};
ExactRuns run_exact(const EvalScene& scene, Runtime& runtime);

struct PathErrors {
  std::vector<double> local, accumulated;  // as EvalPath has them
  std::vector<double> velocity, latents;   // of every run
};
PathErrors run_path(const EvalScene& scene, Runtime& runtime, const Numbers& numbers,
                    const ExactRuns& exact);

}  // namespace reel::pipeline
