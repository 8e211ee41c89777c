// SPDX-License-Identifier: Apache-2.0
// The deterministic sampler of today's LightX2V for step-distilled models.
#pragma once

#include "schedulers/scheduler.h"

namespace reel::schedulers {

// Follows the velocity to the next level:
//
//   clean = x - sigma * v;   x' = clean + sigma' * v
//
// Source: LightX2V, models/schedulers/wan/step_distill/scheduler.py, step_post.
class DistillEuler : public Scheduler {
 public:
  explicit DistillEuler(const NoiseLevels& levels) : Scheduler(levels, /*history_slots=*/0) {}
  SamplerKind kind() const override { return SamplerKind::kEuler; }
  StepUpdate update(const Step& step, int completed) const override;
};

}  // namespace reel::schedulers
