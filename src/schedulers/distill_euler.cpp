// SPDX-License-Identifier: Apache-2.0
#include "schedulers/distill_euler.h"

namespace reel::schedulers {

StepUpdate DistillEuler::update(const Step& step, int /*completed*/) const {
  StepUpdate update;
  update.add(Slot::kLatents, {{1.0f, Slot::kLatents}, {-step.sigma, Slot::kVelocity}});
  if (step.sigma_next == 0.0f) return update;
  update.add(Slot::kLatents, {{1.0f, Slot::kLatents}, {step.sigma_next, Slot::kVelocity}});
  return update;
}

}  // namespace reel::schedulers
