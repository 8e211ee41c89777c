// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latent_shape.h"

#include "models/wan_vae/config.h"
#include "models/wan_vae/decoder.h"

namespace reel::pipeline {

Shape latent_shape(const VideoSize& size) {
  return {wan_vae::kLatentChannels, (size.frames - 1) / wan_vae::kFrameStride + 1,
          size.height_px / wan_vae::kRowStride, size.width_px / wan_vae::kRowStride};
}

VideoSize video_size(const Shape& latent) {
  return {wan_vae::frames_of(latent[1]), latent[2] * wan_vae::kRowStride,
          latent[3] * wan_vae::kRowStride};
}

}  // namespace reel::pipeline
