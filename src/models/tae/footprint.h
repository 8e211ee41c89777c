// SPDX-License-Identifier: Apache-2.0
// What decoding a clip keeps in memory, known from its size alone.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dtype.h"
#include "memory/arena_layout.h"
#include "models/tae/config.h"

namespace reel::tae {

struct DecodeShape {
  int64_t latent_frames = 0, latent_rows = 0, latent_cols = 0;
  DType compute = DType::kF16;
};

// What Decoder::decode takes from its arena for one latent frame, however many there are.
std::vector<memory::Activation> decode_activations(const Config& config, const DecodeShape& shape);

// The inputs of all memory blocks.
uint64_t past_frames_bytes(const Config& config, const DecodeShape& shape);

}  // namespace reel::tae
