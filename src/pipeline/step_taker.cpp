// SPDX-License-Identifier: Apache-2.0
#include "pipeline/step_taker.h"

#include <cstring>

#include "base/error.h"
#include "pipeline/latent_check.h"

namespace reel::pipeline {
namespace {

// Says that the step will be taken again; throws kBadFile where there is no room for that.
void tell_of_bad_step(const Runtime& runtime, const std::string& what,
                      const std::string& safer_kernels, ProgressClock& clock) {
  REEL_REQUIRE(
      runtime.has_room_for(memory::Phase::kSecondAttempt), kBadFile,
      str_cat(what, "; there is no room in GPU memory to take it again with ", safer_kernels, '.'),
      "Try a larger --vram, fewer frames, or --precision bf16.");
  clock.warn(str_cat(what, "; it is taken again with ", safer_kernels, '.'));
}

Tensor copy_of(const Tensor& from) {
  Tensor to(from.dtype(), from.shape(), "a copy of the latents");
  std::memcpy(to.bytes().data(), from.bytes().data(), to.bytes().size());
  return to;
}

}  // namespace

StepTaker::StepTaker(const OpenModel& model, Runtime& runtime, const RunSettings& settings,
                     const EncodedPrompts& prompts, ProgressClock& clock)
    : model_(model), runtime_(runtime), settings_(settings), prompts_(prompts), clock_(clock) {
  velocity_.emplace(DType::kF32, latent_shape(settings.size), "the velocity");
  load();
}

void StepTaker::begin(DenoiseState& state, int steps_before) {
  state_ = &state;
  steps_before_ = steps_before;
  scheduler_ = schedulers::make_scheduler(settings_.sampler, settings_.levels);
  if (state.next_step > 0) scheduler_->restore(state.sampler);
}

void StepTaker::take_next(const std::function<void(const Tensor&, int, int)>& on_clean) {
  if (!denoiser_) load();
  const int index = state_->next_step;
  const Before before{
      .latents = copy_of(state_->latents), .rng = state_->rng, .sampler = scheduler_->state()};
  take(*denoiser_, index, false);
  if (!latents_are_usable(state_->latents)) take_again(index, before);
  state_->next_step = index + 1;
  state_->sampler = scheduler_->state();
  if (on_clean) on_clean(clean_latents(before.latents, index), index + 1, steps());
}

void StepTaker::load() {
  denoiser_.emplace(model_, runtime_, runtime_.numbers(), settings_, prompts_);
}

// x - sigma * v. Source: the flow's definition, x = (1 - sigma) * clean + sigma * noise.
Tensor StepTaker::clean_latents(const Tensor& noisy, int index) const {
  const float sigma = scheduler_->steps()[static_cast<size_t>(index)].sigma;
  Tensor clean(DType::kF32, noisy.shape(), "the clean latents");
  const auto out = clean.values<float>();
  const auto from = noisy.values<float>();
  const auto velocity = velocity_->values<float>();
  for (size_t at = 0; at < out.size(); ++at) out[at] = from[at] - sigma * velocity[at];
  return clean;
}

void StepTaker::take(DenoiserTeam& with, int index, bool is_checked) {
  const schedulers::Step& step = scheduler_->steps()[static_cast<size_t>(index)];
  with.velocity(state_->latents, index, *velocity_,
                {.on_part = [&](double part) { clock_.report(steps_before_ + index, part); },
                 .is_checked = is_checked,
                 .on_residual = {}});
  scheduler_->advance(state_->latents.values<float>(), velocity_->values<float>(), step,
                      state_->rng);
}

void StepTaker::take_again(int index, const Before& before) {
  const std::string safer_kernels = kernels_in_words(runtime_.safer_numbers());
  std::string what = str_cat("Step ", index + 1, " ended in ", what_is_wrong(state_->latents),
                             " with ", kernels_in_words(runtime_.numbers()));
  const std::string part = find_bad_part(index, before);
  if (!part.empty()) what += ", first behind the " + part;
  tell_of_bad_step(runtime_, what, safer_kernels, clock_);
  go_back(before);
  digest_ = denoiser_->weights_digest();
  denoiser_.reset();  // its memory is the second attempt's
  {
    DenoiserTeam safer(model_, runtime_, runtime_.safer_numbers(), settings_, prompts_,
                       memory::Phase::kSecondAttempt);
    take(safer, index, false);
    if (!latents_are_usable(state_->latents)) {
      go_back(before);
      take(safer, index, true);  // slow: it throws where the first bad number is
    }
  }
  require_usable(state_->latents, index, safer_kernels);
}

// Takes the step once more, up to the first part that gives numbers that are not finite. Empty
// where none does this time, and on several devices: a rank that fails ends them all.
std::string StepTaker::find_bad_part(int index, const Before& before) {
  if (runtime_.peers() != nullptr) return {};
  go_back(before);
  try {
    take(*denoiser_, index, true);
  } catch (const wan_dit::NotFinite& found) {
    return found.part();
  }
  return {};
}

void StepTaker::go_back(const Before& before) {
  std::memcpy(state_->latents.bytes().data(), before.latents.bytes().data(),
              before.latents.bytes().size());
  state_->rng = before.rng;
  scheduler_->restore(before.sampler);
}

}  // namespace reel::pipeline
