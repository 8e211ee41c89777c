// SPDX-License-Identifier: Apache-2.0
// The tensors of a TAE's decoder under their published names.
#pragma once

#include <vector>

#include "checkpoint/name_table.h"
#include "models/tae/config.h"

namespace reel::tae {

enum Group { kTop, kMemory, kLevel };
enum Role { kFirst, kHead, kConv1, kConv2, kConv3, kGrow, kNarrow };

checkpoint::NameUnit top_unit();
// Memory block `index` (0 to 2) of a level.
checkpoint::NameUnit memory_unit(int level, int index);
// What makes more frames of a level's, and fewer channels once their sides are doubled.
checkpoint::NameUnit level_unit(const Config& config, int level);

std::vector<checkpoint::NameUnit> name_units(const Config& config);

}  // namespace reel::tae
