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
// comes last. `cpu_compute` is what the CPU prefers, `auto_takes_fp8_values` what "auto" does on
// the GPU. Throws kInvalidArgument for a precision with nothing to compare.
struct ComputeDevice {
  bool on_gpu = false;
  DType cpu_compute = DType::kF32;
  bool has_bf16 = false;
  bool auto_takes_fp8_values = false;
};
std::vector<ComputePath> compute_paths(const ComputeDevice& device, const std::string& precision);

}  // namespace reel::pipeline
