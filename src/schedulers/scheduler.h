// SPDX-License-Identifier: Apache-2.0
// The interface of all samplers: which steps to take, and what one step does to the latents.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "schedulers/noise.h"
#include "schedulers/sigmas.h"
#include "schedulers/step_update.h"

namespace reel::schedulers {

enum class SamplerKind { kLcm, kEuler, kUniPc };
const char* sampler_name(SamplerKind kind);        // "lcm", "euler", "unipc"
SamplerKind parse_sampler(std::string_view name);  // throws kInvalidArgument naming all

struct Step {
  int index = 0;
  float sigma = 0;       // noise level of the latents before the step
  float sigma_next = 0;  // after it; 0 after the last
  float timestep = 0;    // what the network is told
};

// What a multistep sampler remembers between steps.
struct SamplerState {
  int next_index = 0;                       // of the step that would continue the run
  int completed = 0;                        // steps taken in a row before it
  std::vector<std::vector<float>> history;  // Slot::kSample and on; empty for lcm and euler
};

// One run over fixed noise levels. Not for several threads at once.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  virtual SamplerKind kind() const = 0;
  const std::vector<Step>& steps() const { return steps_; }

  // The arithmetic of `step` when `completed` steps were taken in a row right before it. Depends
  // on nothing else. With fewer completed steps than step.index (latents that came from
  // elsewhere) a multistep sampler starts anew at low order.
  virtual StepUpdate update(const Step& step, int completed) const = 0;

  // Takes `step`: latents at step.sigma become latents at step.sigma_next.
  //
  //   latents   [elements] f32  in place
  //   velocity  [elements] f32  the network's answer at these latents and step.timestep
  //
  // A step that does not follow the one before it begins a new run. `rng` is drawn from only by
  // lcm, once per step except the last. Allocates only on the first call. Throws kInvalidArgument
  // when the sizes differ from each other or from the last call.
  void advance(std::span<float> latents, std::span<const float> velocity, const Step& step,
               Rng& rng);

  // A copy of what advance() will need, and its return: to take a step again, restore the state,
  // the rng and the latents from before it. restore() throws kBadFile when the sizes disagree.
  SamplerState state() const;
  void restore(const SamplerState& state);

 protected:
  // `history_slots`: how many slots from kSample on the sampler uses.
  Scheduler(const NoiseLevels& levels, int history_slots);

 private:
  void reserve(size_t elements);

  std::vector<Step> steps_;
  int history_slots_;
  int next_index_ = 0;
  int completed_ = 0;
  std::vector<float> noise_;
  std::vector<std::vector<float>> history_;
};

std::unique_ptr<Scheduler> make_scheduler(SamplerKind kind, const NoiseLevels& levels);

}  // namespace reel::schedulers
