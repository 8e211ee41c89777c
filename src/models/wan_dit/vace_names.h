// SPDX-License-Identifier: Apache-2.0
// The tensors that a VACE model has beside those of the DiT; never run for text-to-video.
#pragma once

#include <vector>

#include "checkpoint/name_table.h"
#include "models/wan_dit/config.h"

namespace reel::wan_dit {

// One VACE block for every fifth block of the DiT, or every second of a small one. The rows of
// their common part are those of block_unit.
std::vector<checkpoint::NameUnit> vace_name_units(const Config& config);
checkpoint::Dims vace_dims(const Config& config);

}  // namespace reel::wan_dit
