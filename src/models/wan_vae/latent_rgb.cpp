// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/latent_rgb.h"

#include <algorithm>

#include "base/error.h"

namespace reel::wan_vae {

const LatentRgb kWanLatentRgb{.factors = {{{-0.1299f, -0.1692f, 0.2932f},
                                           {0.0671f, 0.0406f, 0.0442f},
                                           {0.3568f, 0.2548f, 0.1747f},
                                           {0.0372f, 0.2344f, 0.1420f},
                                           {0.0313f, 0.0189f, -0.0328f},
                                           {0.0296f, -0.0956f, -0.0665f},
                                           {-0.3477f, -0.4059f, -0.2925f},
                                           {0.0166f, 0.1902f, 0.1975f},
                                           {-0.0412f, 0.0267f, -0.1364f},
                                           {-0.1293f, 0.0740f, 0.1636f},
                                           {0.0680f, 0.3019f, 0.1128f},
                                           {0.0032f, 0.0581f, 0.0639f},
                                           {-0.1251f, 0.0927f, 0.1699f},
                                           {0.0060f, -0.0633f, 0.0005f},
                                           {0.3477f, 0.2275f, 0.2950f},
                                           {0.1984f, 0.0913f, 0.1861f}}},
                              .bias = {-0.1835f, -0.0868f, -0.3360f}};

void latent_frame_to_rgb(const LatentRgb& map, const TensorView& latents, int64_t frame,
                         std::span<float> out) {
  const Shape& shape = latents.shape;
  REEL_REQUIRE(shape.axes() == 4 && shape[0] == kLatentChannels && frame >= 0 && frame < shape[1] &&
                   static_cast<int64_t>(out.size()) == shape[2] * shape[3] * 3,
               kInvalidArgument,
               str_cat("latents ", shape, ", frame ", frame, " and room for ", out.size(),
                       " values do not fit; [16, frames, rows, cols] is needed."));
  const int64_t plane = shape[2] * shape[3];
  for (int64_t at = 0; at < plane; ++at) {
    std::array<float, 3> colour = map.bias;
    for (int64_t channel = 0; channel < kLatentChannels; ++channel) {
      const float latent = latents.as<float>()[(channel * shape[1] + frame) * plane + at];
      const std::array<float, 3>& factors = map.factors[static_cast<size_t>(channel)];
      for (size_t part = 0; part < 3; ++part) colour[part] += latent * factors[part];
    }
    std::copy(colour.begin(), colour.end(), out.begin() + at * 3);
  }
}

}  // namespace reel::wan_vae
