// SPDX-License-Identifier: Apache-2.0
// Latents as colours without a decoder: a picture of an eighth of the sides.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/tensor.h"
#include "models/wan_vae/config.h"

namespace reel::wan_vae {

// colour = bias + sum over channels of latent * factors[channel]; -1 is dark, 1 is bright.
struct LatentRgb {
  std::array<std::array<float, 3>, kLatentChannels> factors;
  std::array<float, 3> bias;
};

// Of the Wan 2.1 VAE. Source: ComfyUI, comfy/latent_formats.py, class Wan21, latent_rgb_factors.
extern const LatentRgb kWanLatentRgb;

// The colours of one latent frame.
//
//   latents  [16, frames, rows, cols] f32, normalised, as the DiT has them
//   frame    0 to frames - 1
//   out      [rows, cols, 3] f32, about -1 to 1, not clamped
//
// Throws kInvalidArgument when the shapes do not fit.
void latent_frame_to_rgb(const LatentRgb& map, const TensorView& latents, int64_t frame,
                         std::span<float> out);

}  // namespace reel::wan_vae
