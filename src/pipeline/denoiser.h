// SPDX-License-Identifier: Apache-2.0
// The DiT with its prompts, ready to be asked for velocities.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/open_model.h"
#include "pipeline/text_to_video.h"

namespace reel::pipeline {

class Denoiser {
 public:
  // Loads the DiT as `numbers` say, in the memory of `phase`. `runtime` and `settings` must outlive
  // this object.
  Denoiser(const OpenModel& model, Runtime& runtime, const Numbers& numbers,
           const RunSettings& settings, const EncodedPrompts& prompts,
           memory::Phase phase = memory::Phase::kDenoise);

  struct Options {
    std::function<void(double)> on_part;  // hears how much of the step is done, 0 to 1
    bool is_checked = false;              // names the first part that is not finite
    // wan_dit::ForwardOptions; of the pass with the prompt.
    std::function<void(int, const TensorView&)> on_residual;
    comm::Communicator* ranks = nullptr;  // wan_dit::ForwardOptions
  };
  // out = the velocity of `latents` at step `step`, guided where there is a negative prompt.
  void velocity(const Tensor& latents, int step, const Tensor& out, const Options& options);

  std::string weights_digest() const { return dit_->weights().digest(); }

 private:
  int passes() const { return negative_ ? 2 : 1; }

  Runtime& runtime_;
  const Numbers numbers_;
  const RunSettings& settings_;
  std::unique_ptr<LoadedDit> dit_;
  wan_dit::TimeModulation time_;
  std::optional<wan_dit::Prompt> prompt_, negative_;
};

}  // namespace reel::pipeline
