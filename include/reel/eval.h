// SPDX-License-Identifier: Apache-2.0
// What faster arithmetic costs on a checkpoint: its error against exact products and attention.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reel {

struct EvalRequest {
  // precision: "auto" measures all, another one that alone, beside the FP8 baseline.
  ModelOptions model;
  // Left out: 256x256, 5 frames, seed 1; the rest as in a clip.
  SamplingOptions sampling;
  std::string prompt;
  int layers = 0;  // the network ends after so many blocks; 0: it has all
  int count = 4;   // runs, with seeds that follow each other
};

// The most that an 8-bit path may err, of what FP8 W8A8 errs.
inline constexpr double kMostOfFp8 = 0.75;

// Errors are |got - exact| / |exact| in the 2-norm, exact being f32 products of the dequantised
// weights and f32 attention on the same device.
struct EvalPath {
  std::string name;  // "int8", "bf16", "fp8"
  std::string what;  // "rotated INT8 products, bf16 elsewhere"
  // Of each block's output in the first step of the first run: given the exact input, and given the
  // path's own.
  std::vector<double> local, accumulated;
  // The geometric means over all runs: what is left after all steps differs by factors of two from
  // one noise to the next.
  double velocity = 0;  // of the first step
  double latents = 0;   // after all steps
  // Of the errors of FP8 W8A8 with all else exact; for paths with INT8 products. One forward is
  // compared in every run, and this is the largest ratio; all steps by their means.
  std::optional<double> velocity_of_fp8, latents_of_fp8;
  bool has_limit = false;  // both must be at most kMostOfFp8

  bool is_within() const;  // true without a limit
};

struct EvalReport {
  std::string model, layout, device, kernels;
  int width_px = 0, height_px = 0, frames = 0, steps = 0;
  std::string sampler;
  uint64_t seed = 0;  // of the first run
  int count = 0;
  int64_t tokens = 0, text_tokens = 0;
  int layers = 0, model_layers = 0;
  std::vector<EvalPath> paths;

  bool is_within() const;
};

// Denoises `count` noises exactly, then with each path, which also goes through the first step once
// more. Keeps the exact output of every block in host memory, and otherwise what
// a clip of that size takes. Throws as Engine, and kOutOfMemory when the outputs do not fit.
EvalReport evaluate(const EvalRequest& request, Progress& progress);

}  // namespace reel
