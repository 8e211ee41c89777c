// SPDX-License-Identifier: Apache-2.0
// The numbers of a tiny autoencoder's (TAE's) decoder: taew2_1 and lighttaew2_1.
#pragma once

#include <array>
#include <cstdint>

#include "checkpoint/name_table.h"

namespace reel::tae {

inline constexpr int64_t kLatentChannels = 16;
inline constexpr int64_t kRowStride = 8;    // pixels per latent row and column
inline constexpr int64_t kFrameStride = 4;  // frames per latent frame after the first
inline constexpr int kLevels = 3;
inline constexpr int kBlocksPerLevel = 3;

struct Config {
  // Of the three levels and of the last frame: 256, 128, 64, 64 in the published files.
  std::array<int64_t, 4> channels = {256, 128, 64, 64};
  // Frames that the weights of level 0 make of one; the last of them is the one that is used.
  int first_grow = 1;
  // What is decoded is latent * scale + shift, by channel: some TAEs take the diffusion latents as
  // they are, others what the VAE takes.
  std::array<float, kLatentChannels> scale = ones(), shift = {};

  // Frames that a level makes of one.
  static constexpr int grow(int level) { return level == 0 ? 1 : 2; }

 private:
  static constexpr std::array<float, kLatentChannels> ones() {
    std::array<float, kLatentChannels> all{};
    all.fill(1);
    return all;
  }
};

checkpoint::Dims dims_of(const Config& config);

}  // namespace reel::tae
