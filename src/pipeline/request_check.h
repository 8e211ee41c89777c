// SPDX-License-Identifier: Apache-2.0
// Every rule about what a user may ask for, with its message.
#pragma once

#include <reel/request.h>

#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "models/wan_dit/config.h"
#include "pipeline/latent_shape.h"
#include "schedulers/noise.h"
#include "schedulers/scheduler.h"

namespace reel::pipeline {

// A request with every gap filled.
struct RunSettings {
  uint64_t seed = 0;
  VideoSize size;
  schedulers::SamplerKind sampler = schedulers::SamplerKind::kLcm;
  std::vector<int> step_list;  // of a distilled run; empty for unipc
  schedulers::NoiseLevels levels;
  float shift = 5;
  float guidance = 1;
  schedulers::NoiseKind rng = schedulers::NoiseKind::kTorchCuda;
  schedulers::GpuShape rng_gpu;

  bool guided() const { return guidance != 1.0f; }
};

// What the model says about itself where the request is silent.
struct ModelFacts {
  checkpoint::Verdict verdict = checkpoint::Verdict::kDistilled;
  VideoSize default_size{.frames = 81, .height_px = 480, .width_px = 832};
  bool states_its_size = false;  // default_size is what the model itself says it was trained at
  bool is_demo = false;
  wan_dit::Config dit;
  schedulers::GpuShape noise_gpu;  // whose noise a seed gives where the request is silent
};

struct CheckedRun {
  RunSettings settings;
  std::vector<std::string> warnings;  // it will work, but not as asked
};

// Throws kInvalidArgument naming the field, what was given and what is needed.
CheckedRun check_sampling(const SamplingOptions& options, const ModelFacts& facts);

// The size alone, for the decoder's and the planner's callers.
VideoSize check_size(const SamplingOptions& options, const ModelFacts& facts,
                     std::vector<std::string>& warnings);

}  // namespace reel::pipeline
