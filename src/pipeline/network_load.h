// SPDX-License-Identifier: Apache-2.0
// A network of a checkpoint as the planner sees it.
#pragma once

#include <vector>

#include "checkpoint/checkpoint.h"
#include "memory/device_weights.h"

namespace reel::pipeline {

// From headers alone. Throws kNotFound for a tensor that is not there.
memory::NetworkLoad network_load(const std::vector<checkpoint::NeededTensor>& needed,
                                 const checkpoint::Component& component,
                                 const memory::DevicePrecision& precision);

// The same of a DiT, were its files those that LightX2V publishes in 8 bits: matrices of blocks
// with a scale for each row, all else in f32.
memory::NetworkLoad load_of_8bit_files(const std::vector<checkpoint::NeededTensor>& needed,
                                       const checkpoint::Component& component,
                                       const memory::DevicePrecision& precision);

}  // namespace reel::pipeline
