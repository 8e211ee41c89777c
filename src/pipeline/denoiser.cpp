// SPDX-License-Identifier: Apache-2.0
#include "pipeline/denoiser.h"

namespace reel::pipeline {

Denoiser::Denoiser(const OpenModel& model, Runtime& runtime, const Numbers& numbers,
                   const RunSettings& settings, const EncodedPrompts& prompts, memory::Phase phase)
    : runtime_(runtime),
      numbers_(numbers),
      settings_(settings),
      dit_(model.load_dit(runtime, numbers.precision, phase)) {
  ops::Context ctx = runtime.context(numbers);
  time_ = (*dit_)->make_time_modulation(ctx, settings.levels.timesteps);
  prompt_ = (*dit_)->make_prompt(ctx, prompts.prompt.states);
  if (prompts.negative) negative_ = (*dit_)->make_prompt(ctx, prompts.negative->states);
  dit_->weights().begin_passes();
}

void Denoiser::velocity(const Tensor& latents, int step, const Tensor& out,
                        const Options& options) {
  ops::Context ctx = runtime_.context(numbers_);
  const auto blocks = static_cast<double>((*dit_)->config().layers) * passes();
  double before = 0;
  wan_dit::ForwardOptions forward{
      .on_block =
          [&](int done) {
            runtime_.end_block();
            options.on_part(before + done / blocks);
          },
      .checked_kernels = options.is_checked ? kernels_in_words(numbers_) : std::string(),
      .on_residual = options.on_residual,
      .ranks = options.ranks};
  (*dit_)->forward(ctx, latents, time_, step, *prompt_, out, forward);
  if (!negative_) return;  // guidance 1: one pass, not two
  Tensor without(DType::kF32, out.shape(), "the unguided velocity");
  before = 0.5;
  forward.on_residual = {};
  (*dit_)->forward(ctx, latents, time_, step, *negative_, without, forward);
  const auto with = out.values<float>();
  const auto base = without.values<float>();
  for (size_t at = 0; at < with.size(); ++at) {
    with[at] = base[at] + settings_.guidance * (with[at] - base[at]);
  }
}

}  // namespace reel::pipeline
