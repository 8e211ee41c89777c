// SPDX-License-Identifier: Apache-2.0
// What Reel needs of a driver and a card, and the sentences for what falls short. Nothing of CUDA
// is included, so that every build has it and tests it.
#pragma once

#include <string>
#include <string_view>

#include "backends/cuda/gpu.h"

namespace reel::cuda {

// Why CUDA does not start, as the runtime tells it.
enum class StartFailure { kInsufficientDriver, kNoDevice, kOther };

// `driver_release`: "550.54.15", empty where it cannot be told. `cuda_says`: CUDA's own words.
// Throws kUnsupported, naming what was found and what is needed.
[[noreturn]] void fail_to_start(StartFailure why, const Versions& versions,
                                const std::string& driver_release, const std::string& cuda_says);

// Throws kUnsupported for a compute capability below kOldestMajor.0.
void require_capability(const GpuFacts& facts);

// The release in the text of /proc/driver/nvidia/version: "... Kernel Module  550.54.15  Tue ...";
// empty when there is none.
std::string parse_driver_release(std::string_view text);
// That of this machine; empty without a driver, or where it has no such file (WSL2).
std::string driver_release();

}  // namespace reel::cuda
