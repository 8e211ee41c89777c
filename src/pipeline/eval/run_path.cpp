// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eval/run_path.h"

#include <utility>

#include "pipeline/eval/paths.h"
#include "pipeline/latent_check.h"
#include "pipeline/relative_error.h"

namespace reel::pipeline {
namespace {

using OnResidual = std::function<void(int, const TensorView&)>;

double error_of(const Tensor& got, const Tensor& want) {
  return relative_error(got.values<float>(), want.values<float>());
}

Tensor download(Runtime& runtime, const TensorView& x) {
  Tensor host(x.dtype, x.shape, "the output of a block");
  runtime.memory().download(host.view().data, x.data, static_cast<size_t>(x.size_bytes()),
                            runtime.stream());
  return host;
}

// All steps from noise number `run`; `on_residual` sees the first one's blocks.
Denoised denoise_all(const EvalScene& scene, Denoiser& denoiser, int run,
                     const OnResidual& on_residual) {
  RunSettings settings = scene.settings;
  settings.seed += static_cast<uint64_t>(run);
  DenoiseState state = start_denoising(settings);
  const auto scheduler = schedulers::make_scheduler(settings.sampler, settings.levels);
  Denoised result;
  for (const schedulers::Step& step : scheduler->steps()) {
    Tensor velocity(DType::kF32, state.latents.shape(), "the velocity");
    denoiser.velocity(state.latents, step.index, velocity,
                      {.on_part = scene.on_part,
                       .is_checked = false,
                       .on_residual = step.index == 0 ? on_residual : OnResidual{}});
    scheduler->advance(state.latents.values<float>(), velocity.values<float>(), step, state.rng);
    if (step.index == 0) result.velocity = std::move(velocity);
  }
  result.latents = std::move(state.latents);
  return result;
}

// Every block begins from the exact output of the one before.
std::vector<double> local_errors(const EvalScene& scene, Runtime& runtime, Denoiser& denoiser,
                                 const ExactRuns& exact) {
  std::vector<double> errors;
  const DenoiseState start = start_denoising(scene.settings);
  const Tensor unused(DType::kF32, start.latents.shape(), "the velocity");
  denoiser.velocity(start.latents, 0, unused,
                    {.on_part = scene.on_part,
                     .is_checked = false,
                     .on_residual = [&](int block, const TensorView& x) {
                       const Tensor& want = exact.outputs[static_cast<size_t>(block)];
                       errors.push_back(error_of(download(runtime, x), want));
                       runtime.memory().upload(x.data, want.view().data,
                                               static_cast<size_t>(x.size_bytes()),
                                               runtime.stream());
                     }});
  return errors;
}

}  // namespace

ExactRuns run_exact(const EvalScene& scene, Runtime& runtime) {
  Denoiser denoiser(scene.model, runtime, kExactNumbers, scene.settings, scene.prompts);
  ExactRuns exact;
  const OnResidual keep = [&](int, const TensorView& x) {
    exact.outputs.push_back(download(runtime, x));
  };
  for (int run = 0; run < scene.count; ++run) {
    exact.runs.push_back(denoise_all(scene, denoiser, run, run == 0 ? keep : OnResidual{}));
    require_usable(exact.runs.back().latents,
                   static_cast<int>(scene.settings.levels.timesteps.size()) - 1,
                   kernels_in_words(kExactNumbers));
  }
  return exact;
}

PathErrors run_path(const EvalScene& scene, Runtime& runtime, const Numbers& numbers,
                    const ExactRuns& exact) {
  Denoiser denoiser(scene.model, runtime, numbers, scene.settings, scene.prompts);
  PathErrors errors{.local = local_errors(scene, runtime, denoiser, exact),
                    .accumulated = {},
                    .velocity = {},
                    .latents = {}};
  const OnResidual compare = [&](int block, const TensorView& x) {
    errors.accumulated.push_back(
        error_of(download(runtime, x), exact.outputs[static_cast<size_t>(block)]));
  };
  for (int run = 0; run < scene.count; ++run) {
    const Denoised got = denoise_all(scene, denoiser, run, run == 0 ? compare : OnResidual{});
    const Denoised& want = exact.runs[static_cast<size_t>(run)];
    errors.velocity.push_back(error_of(got.velocity, want.velocity));
    errors.latents.push_back(error_of(got.latents, want.latents));
  }
  return errors;
}

}  // namespace reel::pipeline
