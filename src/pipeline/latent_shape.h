// SPDX-License-Identifier: Apache-2.0
// The three sizes of a clip, and the one way from one to the next.
#pragma once

#include <cstdint>

#include "core/shape.h"

namespace reel::pipeline {

// In pixels.
struct VideoSize {
  int64_t frames = 0, height_px = 0, width_px = 0;
};

// Latent frames, rows and columns of `size`: [16, (frames - 1) / 4 + 1, height / 8, width / 8].
Shape latent_shape(const VideoSize& size);
// The clip that latents of this shape decode to.
VideoSize video_size(const Shape& latent);

}  // namespace reel::pipeline
