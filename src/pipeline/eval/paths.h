// SPDX-License-Identifier: Apache-2.0
// The ways of computing a DiT that are compared.
#pragma once

#include <string>
#include <vector>

#include "pipeline/runtime.h"

namespace reel::pipeline {

inline constexpr Numbers kExactNumbers{
    .precision = {.compute = DType::kF32, .matrices = DType::kF32}, .int8_attention = false};

struct ComputePath {
  std::string name, what;
  Numbers numbers;
  bool is_baseline = false;  // FP8 W8A8 with all else exact
  bool has_limit = false;    // against the baseline: what 8-bit runs of the device compute
};

// What the device can do. `precision` "auto" selects all, another one that and the baseline, which
// comes last. `cpu_compute` is what the CPU prefers. Throws kInvalidArgument for a precision with
// nothing to compare.
std::vector<ComputePath> compute_paths(bool on_gpu, DType cpu_compute, bool has_bf16,
                                       const std::string& precision);

}  // namespace reel::pipeline
