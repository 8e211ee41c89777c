// SPDX-License-Identifier: Apache-2.0
// The tensors of the DiT under Wan's own names.
#pragma once

#include <vector>

#include "checkpoint/name_table.h"
#include "models/wan_dit/config.h"

namespace reel::wan_dit {

enum Group { kTop, kBlock, kSelfAttn, kCrossAttn, kMlp };

enum Role {
  kPatch,
  kTextIn,
  kTextOut,
  kTimeIn,
  kTimeOut,
  kTimeProjection,
  kHead,
  kHeadModulation,
  kModulation,
  kCrossNormWeight,
  kCrossNormBias,
  kQ,
  kK,
  kV,
  kOut,
  kQNorm,
  kKNorm,
  kUp,
  kDown,
};

checkpoint::NameUnit patch_unit();
checkpoint::NameUnit head_unit();
checkpoint::NameUnit setup_unit();
checkpoint::NameUnit block_unit(int index);
// The patch unit, the setup unit, the head unit, then every block.
std::vector<checkpoint::NameUnit> name_units(const Config& config);

}  // namespace reel::wan_dit
