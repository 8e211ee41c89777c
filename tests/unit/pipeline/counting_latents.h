// SPDX-License-Identifier: Apache-2.0
// Latents whose previews can be told without computing.
#pragma once

#include <algorithm>

#include "core/buffer.h"
#include "models/wan_vae/latent_rgb.h"

namespace reel::test {

inline const wan_vae::LatentRgb kGrey{.factors = {{{1, 1, 1}}}, .bias = {-1, -1, -1}};

// Each latent frame is as bright as its number: 10 levels per frame.
inline Tensor counting_latents(int64_t frames, int64_t rows, int64_t cols) {
  Tensor latents(DType::kF32, {16, frames, rows, cols});
  const auto values = latents.values<float>();
  std::fill(values.begin(), values.end(), 100.0f);
  for (int64_t at = 0; at < frames * rows * cols; ++at) {
    values[static_cast<size_t>(at)] = static_cast<float>(at / (rows * cols)) * 10 / 127.5f;
  }
  return latents;
}

}  // namespace reel::test
