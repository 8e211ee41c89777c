// SPDX-License-Identifier: Apache-2.0
// The steps of clips that share a prompt and its settings; a step that goes wrong is taken once
// more, with safer kernels.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/denoiser_team.h"
#include "pipeline/text_to_video.h"

namespace reel::pipeline {

class StepTaker {
 public:
  // Loads the DiT. All that is given must outlive this object.
  StepTaker(const OpenModel& model, Runtime& runtime, const RunSettings& settings,
            const EncodedPrompts& prompts, ProgressClock& clock);

  // The steps from here on are those of `state`, which must outlive them. `steps_before` were taken
  // of other clips, as the clock counts.
  void begin(DenoiseState& state, int steps_before = 0);

  int steps() const { return static_cast<int>(settings_.levels.timesteps.size()); }
  const Tensor& velocity() const { return *velocity_; }

  // Takes the next step. `on_clean` is DenoiseHooks's; may be empty.
  void take_next(const std::function<void(const Tensor&, int, int)>& on_clean);

 private:
  // What taking a step again needs.
  struct Before {
    const Tensor& latents;
    schedulers::Rng rng;
    schedulers::SamplerState sampler;
  };

  void load();
  void estimate_clean(const Tensor& noisy, int index);
  void take(DenoiserTeam& with, int index, bool is_checked);
  void take_again(int index, const Before& before);
  std::string find_bad_part(int index, const Before& before);
  void go_back(const Before& before);

  const OpenModel& model_;
  Runtime& runtime_;
  const RunSettings& settings_;
  const EncodedPrompts& prompts_;
  ProgressClock& clock_;
  // All there from the start: new memory comes page by page, slowly, and the GPU would wait.
  std::optional<Tensor> velocity_, noisy_, clean_;
  std::optional<DenoiserTeam> denoiser_;
  std::string digest_;  // of its weights, once it is gone
  // Since begin().
  DenoiseState* state_ = nullptr;
  int steps_before_ = 0;
  std::unique_ptr<schedulers::Scheduler> scheduler_;
};

}  // namespace reel::pipeline
