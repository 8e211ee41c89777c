// SPDX-License-Identifier: Apache-2.0
// What decoding a clip keeps in memory and computes, known from its size alone.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dtype.h"
#include "memory/arena_layout.h"
#include "memory/work.h"
#include "models/wan_vae/config.h"

namespace reel::wan_vae {

struct DecodeShape {
  int64_t latent_frames = 0, latent_rows = 0, latent_cols = 0;
  DType compute = DType::kF16;
  DType residual = DType::kF16;  // ops::Context::residual()
};

// What Decoder::decode takes from its arena, for one frame on its way through all levels.
std::vector<memory::Activation> decode_activations(const Config& config, const DecodeShape& shape);

// The past frames of every causal convolution, when the clip's last frame is decoded.
uint64_t past_frames_bytes(const Config& config, const DecodeShape& shape);

memory::Work decode_work(const Config& config, const DecodeShape& shape);

}  // namespace reel::wan_vae
