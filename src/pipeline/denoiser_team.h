// SPDX-License-Identifier: Apache-2.0
// A denoiser on every device of a runtime; together they make one velocity.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/denoiser.h"

namespace reel::pipeline {

// On a runtime without peers: a Denoiser.
class DenoiserTeam {
 public:
  // As Denoiser, on all devices at once.
  DenoiserTeam(const OpenModel& model, Runtime& runtime, const Numbers& numbers,
               const RunSettings& settings, const EncodedPrompts& prompts,
               memory::Phase phase = memory::Phase::kDenoise);
  ~DenoiserTeam();
  DenoiserTeam(const DenoiserTeam&) = delete;
  DenoiserTeam& operator=(const DenoiserTeam&) = delete;

  // As Denoiser's; progress is the first device's.
  void velocity(const Tensor& latents, int step, const Tensor& out,
                const Denoiser::Options& options);

  std::string weights_digest() const { return own_->weights_digest(); }

 private:
  Runtime& runtime_;
  std::unique_ptr<Denoiser> own_;
  std::vector<std::unique_ptr<Denoiser>> of_peers_;  // by rank less one
};

}  // namespace reel::pipeline
