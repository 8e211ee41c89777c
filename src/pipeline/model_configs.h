// SPDX-License-Identifier: Apache-2.0
// The numbers of each network, read from the shapes of its tensors.
#pragma once

#include <string>

#include "checkpoint/checkpoint.h"
#include "models/tae/config.h"
#include "models/umt5/config.h"
#include "models/wan_dit/config.h"
#include "models/wan_vae/config.h"

namespace reel::pipeline {

// Each compares the whole network with its name table. Throws kNotFound and kBadFile as
// checkpoint::check_complete, kUnsupported when the shapes belong to a network that is not run.
wan_dit::Config dit_config(const checkpoint::Checkpoint& checkpoint);
umt5::Config text_config(const checkpoint::Component& component);
wan_vae::Config vae_config(const checkpoint::Component& component);
// `tae_latents` is ModelOptions::tae_latents.
tae::Config tae_config(const checkpoint::Component& component, const std::string& tae_latents);

}  // namespace reel::pipeline
