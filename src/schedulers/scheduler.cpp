// SPDX-License-Identifier: Apache-2.0
#include "schedulers/scheduler.h"

#include "base/error.h"
#include "schedulers/distill_euler.h"
#include "schedulers/distill_lcm.h"
#include "schedulers/flow_unipc.h"

namespace reel::schedulers {
namespace {

constexpr size_t kFirstHistorySlot = static_cast<size_t>(Slot::kSample);

}  // namespace

const char* sampler_name(SamplerKind kind) {
  switch (kind) {
    case SamplerKind::kLcm: return "lcm";
    case SamplerKind::kEuler: return "euler";
    case SamplerKind::kUniPc: return "unipc";
  }
  return "?";
}

SamplerKind parse_sampler(std::string_view name) {
  for (const SamplerKind kind : {SamplerKind::kLcm, SamplerKind::kEuler, SamplerKind::kUniPc}) {
    if (name == sampler_name(kind)) return kind;
  }
  fail(ErrorCode::kInvalidArgument,
       str_cat("The sampler is \"", name, "\", must be \"lcm\", \"euler\" or \"unipc\"."),
       "lcm and euler are for distilled models, unipc is for base models.");
}

Scheduler::Scheduler(const NoiseLevels& levels, int history_slots) : history_slots_(history_slots) {
  for (size_t index = 0; index < levels.timesteps.size(); ++index) {
    steps_.push_back({.index = static_cast<int>(index),
                      .sigma = levels.sigmas[index],
                      .sigma_next = levels.sigmas[index + 1],
                      .timestep = levels.timesteps[index]});
  }
}

void Scheduler::reserve(size_t elements) {
  if (noise_.empty()) noise_.resize(kind() == SamplerKind::kLcm ? elements : 0);
  if (history_.empty()) history_.assign(static_cast<size_t>(history_slots_), {});
  for (std::vector<float>& tensor : history_) {
    if (tensor.empty()) tensor.resize(elements);
    REEL_REQUIRE(tensor.size() == elements, kInvalidArgument,
                 str_cat("The latents have ", elements, " elements, ", tensor.size(),
                         " in the step before."),
                 "Use one scheduler per clip.");
  }
}

void Scheduler::advance(std::span<float> latents, std::span<const float> velocity, const Step& step,
                        Rng& rng) {
  REEL_REQUIRE(latents.size() == velocity.size(), kInvalidArgument,
               str_cat("latents have ", latents.size(), " elements and velocity ", velocity.size(),
                       ", both must have the same."));
  reserve(latents.size());
  if (step.index != next_index_) completed_ = 0;
  const StepUpdate now = update(step, completed_);
  HostSlots slots;
  slots[static_cast<size_t>(Slot::kLatents)] = latents;
  // No update writes to the velocity.
  slots[static_cast<size_t>(Slot::kVelocity)] = {const_cast<float*>(velocity.data()),
                                                 velocity.size()};
  if (now.draws_noise) {
    noise_.resize(latents.size());
    rng.fill_normal(noise_);
    slots[static_cast<size_t>(Slot::kNoise)] = noise_;
  }
  for (size_t index = 0; index < history_.size(); ++index) {
    slots[kFirstHistorySlot + index] = history_[index];
  }
  apply_update(now, slots);
  ++completed_;
  next_index_ = step.index + 1;
}

SamplerState Scheduler::state() const {
  return {.next_index = next_index_, .completed = completed_, .history = history_};
}

void Scheduler::restore(const SamplerState& state) {
  const bool fits =
      state.completed == 0 || (state.history.size() == static_cast<size_t>(history_slots_) &&
                               state.completed <= static_cast<int>(steps_.size()));
  REEL_REQUIRE(fits && state.completed >= 0, kBadFile,
               str_cat("The saved state has ", state.completed, " steps and ", state.history.size(),
                       " tensors; ", sampler_name(kind()), " has ", steps_.size(),
                       " steps and needs ", history_slots_, '.'),
               "Start the job again from its seed.");
  next_index_ = state.next_index;
  completed_ = state.completed;
  history_ = state.history;
}

std::unique_ptr<Scheduler> make_scheduler(SamplerKind kind, const NoiseLevels& levels) {
  switch (kind) {
    case SamplerKind::kLcm: return std::make_unique<DistillLcm>(levels);
    case SamplerKind::kEuler: return std::make_unique<DistillEuler>(levels);
    case SamplerKind::kUniPc: return std::make_unique<FlowUniPc>(levels);
  }
  fail(ErrorCode::kInternal, "A sampler without a class.");
}

}  // namespace reel::schedulers
