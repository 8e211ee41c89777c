// SPDX-License-Identifier: Apache-2.0
// The sampler that step-distilled Wan models were trained with.
#pragma once

#include "schedulers/scheduler.h"

namespace reel::schedulers {

// Jumps to the clean estimate and adds fresh noise for the next level:
//
//   clean = x - sigma * v;   x' = (1 - sigma') * clean + sigma' * noise
//
// The last step returns the clean estimate and draws nothing.
// Source: LightX2V of mid-2025, models/schedulers/wan/step_distill/scheduler.py, step_post.
class DistillLcm : public Scheduler {
 public:
  explicit DistillLcm(const NoiseLevels& levels) : Scheduler(levels, /*history_slots=*/0) {}
  SamplerKind kind() const override { return SamplerKind::kLcm; }
  StepUpdate update(const Step& step, int completed) const override;
};

}  // namespace reel::schedulers
