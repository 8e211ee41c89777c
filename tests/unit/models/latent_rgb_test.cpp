// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/latent_rgb.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/buffer.h"
#include "support/expect_error.h"

namespace reel::wan_vae {
namespace {

TEST(LatentRgb, IsBiasAndTheFactorsOfEachChannel) {
  std::mt19937 random(std::random_device{}());
  std::normal_distribution<float> normal;
  Tensor latents(DType::kF32, {16, 3, 5, 7});
  for (float& value : latents.values<float>()) value = normal(random);
  LatentRgb map;
  for (auto& row : map.factors) row = {normal(random), normal(random), normal(random)};
  map.bias = {0.25f, -0.5f, 0.75f};
  std::vector<float> out(5 * 7 * 3, NAN);

  latent_frame_to_rgb(map, latents.view(), 2, out);

  for (int row = 0; row < 5; ++row) {
    for (int col = 0; col < 7; ++col) {
      for (size_t part = 0; part < 3; ++part) {
        double sum = map.bias[part];
        for (size_t channel = 0; channel < 16; ++channel) {
          const size_t at = ((channel * 3 + 2) * 5 + row) * 7 + col;
          sum += double{latents.values<float>()[at]} * map.factors[channel][part];
        }
        EXPECT_NEAR(out[(row * 7 + col) * 3 + part], sum, 1e-4);
      }
    }
  }
}

TEST(LatentRgb, NamesShapesThatDoNotFit) {
  const Tensor latents(DType::kF32, {16, 2, 1, 1});
  std::vector<float> out(3);
  EXPECT_REEL_ERROR(latent_frame_to_rgb(kWanLatentRgb, latents.view(), 2, out), kInvalidArgument,
                    "latents [16, 2, 1, 1], frame 2 and room for 3 values do not fit");
}

}  // namespace
}  // namespace reel::wan_vae
