// SPDX-License-Identifier: Apache-2.0
// The tensors of the VAE's encoder: part of every VAE file, never run for text-to-video.
#pragma once

#include <vector>

#include "checkpoint/name_table.h"
#include "models/wan_vae/config.h"

namespace reel::wan_vae {

// Groups and roles are those of names.h.
std::vector<checkpoint::NameUnit> encoder_name_units();
checkpoint::Dims encoder_dims(const Config& config);

}  // namespace reel::wan_vae
