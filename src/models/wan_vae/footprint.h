// SPDX-License-Identifier: Apache-2.0
// What decoding a clip keeps in memory, known from its size alone.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dtype.h"
#include "memory/arena_layout.h"
#include "models/wan_vae/config.h"

namespace reel::wan_vae {

struct DecodeShape {
  int64_t latent_frames = 0, latent_rows = 0, latent_cols = 0;
  DType compute = DType::kF16;
  DType residual = DType::kF16;  // ops::Context::residual()
  int strips = 1;
};

// What Decoder::decode takes from its arena, for one frame on its way through all levels, in each
// strip.
std::vector<memory::Activation> decode_activations(const Config& config, const DecodeShape& shape);

// The past frames of every causal convolution, at their most.
uint64_t past_frames_bytes(const Config& config, const DecodeShape& shape);

// Level 0's output for all frames, which strips are made from; 0 for one strip.
uint64_t low_frames_bytes(const Config& config, const DecodeShape& shape);

// Host memory of strips that wait for the last one.
uint64_t waiting_rows_bytes(const DecodeShape& shape);

}  // namespace reel::wan_vae
