// SPDX-License-Identifier: Apache-2.0
// The numbers of a Wan 2.1 VAE decoder.
#pragma once

#include <array>
#include <cstdint>

#include "checkpoint/name_table.h"

namespace reel::wan_vae {

inline constexpr int64_t kLatentChannels = 16;
inline constexpr int64_t kRowStride = 8;    // pixels per latent row and column
inline constexpr int64_t kFrameStride = 4;  // frames per latent frame after the first
inline constexpr int kLevels = 4;
inline constexpr int kResidualsPerLevel = 3;
inline constexpr int kConvsPerLevel = 2 * kResidualsPerLevel;

// The diffusion latents are normalised: z = latent * std + mean enters the decoder.
// Source: Wan 2.1, wan/modules/vae.py, class WanVAE.
inline constexpr std::array<float, kLatentChannels> kLatentMean = {
    -0.7571f, -0.7089f, -0.9113f, 0.1075f,  -0.1745f, 0.9653f,  -0.1517f, 1.5508f,
    0.4134f,  -0.0715f, 0.5517f,  -0.3632f, -0.1922f, -0.9497f, 0.2503f,  -0.2921f};
inline constexpr std::array<float, kLatentChannels> kLatentStd = {
    2.8184f, 1.4541f, 2.3275f, 2.6558f, 1.2196f, 1.7708f, 2.6052f, 2.0743f,
    3.2687f, 2.1526f, 2.8652f, 1.5579f, 1.6382f, 1.1253f, 2.8251f, 1.9160f};

// Channels of the middle of LightX2V's light VAE, which keeps a quarter of the full one's.
inline constexpr int64_t kLightWidth = 96;

struct Config {
  // Channels of the middle and of the four levels: 384, 384, 384, 192, 96 for the full VAE, a
  // quarter of that for LightX2V's light VAE.
  std::array<int64_t, 5> channels = {384, 384, 384, 192, 96};
};

checkpoint::Dims dims_of(const Config& config);

}  // namespace reel::wan_vae
