// SPDX-License-Identifier: Apache-2.0
// The tensors of the text encoder under Wan's own names.
#pragma once

#include <vector>

#include "checkpoint/name_table.h"
#include "models/umt5/config.h"

namespace reel::umt5 {

enum Group { kTop, kAttn, kFfn };
enum Role { kEmbedding, kFinalNorm, kNorm, kQ, kK, kV, kOut, kRelativeBias, kGate, kUp, kDown };

checkpoint::NameUnit top_unit();
checkpoint::NameUnit layer_unit(int index);
// The top unit, then every layer.
std::vector<checkpoint::NameUnit> name_units(const Config& config);

}  // namespace reel::umt5
