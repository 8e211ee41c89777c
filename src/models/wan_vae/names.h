// SPDX-License-Identifier: Apache-2.0
// The tensors of the VAE's decoder under Wan's own names.
#pragma once

#include <vector>

#include "checkpoint/name_table.h"
#include "models/wan_vae/config.h"

namespace reel::wan_vae {

enum Group { kTop, kResidual, kAttn, kResample };
enum Role {
  kLatentConv,
  kFirstConv,
  kHeadNorm,
  kHeadConv,
  kNorm1,
  kConv1,
  kNorm2,
  kConv2,
  kShortcut,
  kAttnNorm,
  kQkv,
  kProjection,
  kTimeConv,
  kSpaceConv,
};

checkpoint::NameUnit top_unit();
// decoder.middle.0 and .2
checkpoint::NameUnit middle_residual_unit(int index);
checkpoint::NameUnit middle_attention_unit();
// Residual block `index` (0 to 2) of a level; the first of level 1 has a shortcut.
checkpoint::NameUnit residual_unit(int level, int index);
// What doubles rows and columns after levels 0 to 2, and frames after levels 0 and 1.
checkpoint::NameUnit resample_unit(int level);

std::vector<checkpoint::NameUnit> name_units();

}  // namespace reel::wan_vae
