// SPDX-License-Identifier: Apache-2.0
// Latents to tokens and back.
#pragma once

#include "core/tensor.h"
#include "nn/rope3d.h"

namespace reel::wan_dit {

// The tokens of a latent [channels, latent_frames, latent_rows, latent_cols] (rows, cols even).
nn::TokenGrid token_grid(const Shape& latent);

// out [tokens, channels * 4] f32: the values of each 1 x 2 x 2 patch, channel slowest.
void patchify(const TensorView& latent, const TensorView& out);

// The way back from the head's tokens, where the channel is fastest.
void unpatchify(const TensorView& tokens, const TensorView& latent);

}  // namespace reel::wan_dit
