// SPDX-License-Identifier: Apache-2.0
// UniPC for flow models: the sampler of Wan's base checkpoints.
#pragma once

#include "schedulers/scheduler.h"

namespace reel::schedulers {

// Multistep UniPC of order 2, type B2(h), predicting clean latents, with the corrector active
// from the second step and order 1 at the last.
//
// Numerics: factors in double from float32 noise levels; tensors in float32. The reference takes
// logarithms in float32; the difference stays below 1e-5 of the latents' range over 50 steps.
// Source: Zhao et al. 2023, arXiv:2302.04867, algorithms 7 and 8; Wan 2.1,
// wan/utils/fm_solvers_unipc.py.
class FlowUniPc : public Scheduler {
 public:
  explicit FlowUniPc(const NoiseLevels& levels) : Scheduler(levels, /*history_slots=*/4) {}
  SamplerKind kind() const override { return SamplerKind::kUniPc; }
  StepUpdate update(const Step& step, int completed) const override;

 private:
  int order_at(int step_index, int completed) const;
};

}  // namespace reel::schedulers
