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

}  // namespace reel::pipeline
