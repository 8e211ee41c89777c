// SPDX-License-Identifier: Apache-2.0
// What can be said about a GPU from what its driver tells.
#pragma once

#include <reel/doctor.h>

#include <optional>
#include <string>
#include <vector>

#include "backends/cuda/gpu.h"
#include "backends/cuda/nvml.h"
#include "memory/work.h"

namespace reel::pipeline {

// As far as the driver tells.
struct CardState {
  std::string driver_release;
  std::optional<cuda::Nvml::Card> memory;
  std::optional<cuda::Nvml::Link> link;
  std::optional<cuda::Nvml::Power> power;
  cuda::Nvml::Others others;
};

CardState card_state(const cuda::GpuFacts& gpu);

// Of a GPU that can be used: itself, its driver, its link, its power limit, who else uses it.
std::vector<Finding> findings_on(const cuda::GpuFacts& gpu, const cuda::Versions& versions,
                                 const CardState& state);
// Which kernels will run, and why faster ones will not.
Finding finding_on_kernels(const cuda::GpuFacts& gpu);
// What was measured beside what is assumed of such a card before anything was measured.
Finding finding_on_rates(const memory::Rates& measured, const memory::Rates& assumed,
                         const std::string& assumed_for);

}  // namespace reel::pipeline
