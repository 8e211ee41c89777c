// SPDX-License-Identifier: Apache-2.0
// What decoding a clip computes.
#pragma once

#include "memory/work.h"
#include "models/tae/footprint.h"

namespace reel::tae {

memory::Work decode_work(const Config& config, const DecodeShape& shape);

}  // namespace reel::tae
