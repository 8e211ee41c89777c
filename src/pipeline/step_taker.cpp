// SPDX-License-Identifier: Apache-2.0
#include "pipeline/step_taker.h"

#include <cstring>

#include "base/error.h"
#include "base/parallel.h"
#include "pipeline/latent_check.h"

namespace reel::pipeline {
namespace {

// Numbers or bytes for a thread at least: the GPU waits meanwhile.
constexpr int64_t kGrain = int64_t{1} << 17;

// Says that the step will be taken again; throws kBadFile where there is no room for that.
void tell_of_bad_step(const Runtime& runtime, const std::string& what,
                      const std::string& safer_kernels, ProgressClock& clock) {
  REEL_REQUIRE(
      runtime.has_room_for(memory::Phase::kSecondAttempt), kBadFile,
      str_cat(what, "; there is no room in GPU memory to take it again with ", safer_kernels, '.'),
      "Try a larger --vram, fewer frames, or --precision bf16.");
  clock.warn(str_cat(what, "; it is taken again with ", safer_kernels, '.'));
}

void copy(const Tensor& from, Tensor& to) {
  parallel_for(static_cast<int64_t>(to.bytes().size()), kGrain, [&](int64_t begin, int64_t end) {
    std::memcpy(to.bytes().data() + begin, from.bytes().data() + begin,
                static_cast<size_t>(end - begin));
  });
}

}  // namespace

StepTaker::StepTaker(const OpenModel& model, Runtime& runtime, const RunSettings& settings,
                     const EncodedPrompts& prompts, ProgressClock& clock)
    : model_(model), runtime_(runtime), settings_(settings), prompts_(prompts), clock_(clock) {
  const Shape shape = latent_shape(settings.size);
  velocity_.emplace(DType::kF32, shape, "the velocity");
  noisy_.emplace(DType::kF32, shape, "a copy of the latents");
  clean_.emplace(DType::kF32, shape, "the clean latents");
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
  copy(state_->latents, *noisy_);
  const Before before{.latents = *noisy_, .rng = state_->rng, .sampler = scheduler_->state()};
  take(*denoiser_, index, false);
  if (!latents_are_usable(state_->latents)) take_again(index, before);
  state_->next_step = index + 1;
  state_->sampler = scheduler_->state();
  state_->weights_digest = denoiser_ ? denoiser_->weights_digest() : digest_;
  if (!on_clean) return;
  estimate_clean(before.latents, index);
  on_clean(*clean_, index + 1, steps());
}

void StepTaker::load() {
  denoiser_.emplace(model_, runtime_, runtime_.numbers(), settings_, prompts_);
}

// x - sigma * v. Source: the flow's definition, x = (1 - sigma) * clean + sigma * noise.
void StepTaker::estimate_clean(const Tensor& noisy, int index) {
  const float sigma = scheduler_->steps()[static_cast<size_t>(index)].sigma;
  const auto out = clean_->values<float>();
  const auto from = noisy.values<float>();
  const auto velocity = velocity_->values<float>();
  parallel_for(static_cast<int64_t>(out.size()), kGrain, [&](int64_t begin, int64_t end) {
    for (auto at = static_cast<size_t>(begin); at < static_cast<size_t>(end); ++at) {
      out[at] = from[at] - sigma * velocity[at];
    }
  });
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
  copy(before.latents, state_->latents);
  state_->rng = before.rng;
  scheduler_->restore(before.sampler);
}

}  // namespace reel::pipeline
