// SPDX-License-Identifier: Apache-2.0
// How much decoding a clip computes, known from its size alone.
#pragma once

#include "memory/work.h"
#include "models/wan_vae/footprint.h"

namespace reel::wan_vae {

// With the rows that strips compute twice.
memory::Work decode_work(const Config& config, const DecodeShape& shape);

}  // namespace reel::wan_vae
