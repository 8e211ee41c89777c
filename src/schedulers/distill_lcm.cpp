// SPDX-License-Identifier: Apache-2.0
#include "schedulers/distill_lcm.h"

namespace reel::schedulers {

StepUpdate DistillLcm::update(const Step& step, int /*completed*/) const {
  StepUpdate update;
  update.add(Slot::kLatents, {{1.0f, Slot::kLatents}, {-step.sigma, Slot::kVelocity}});
  if (step.sigma_next == 0.0f) return update;
  update.draws_noise = true;
  // The reference forms 1 - sigma' in double before it rounds to float32.
  const auto keep = static_cast<float>(1.0 - static_cast<double>(step.sigma_next));
  update.add(Slot::kLatents, {{keep, Slot::kLatents}, {step.sigma_next, Slot::kNoise}});
  return update;
}

}  // namespace reel::schedulers
