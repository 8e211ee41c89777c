// SPDX-License-Identifier: Apache-2.0
#include "nn/time_embedding.h"

#include <gtest/gtest.h>

#include "core/buffer.h"

namespace reel::nn {
namespace {

TEST(TimeSinusoid, PutsCosinesFirst) {
  struct Row {
    double timestep;
    float cosines[3], sines[3];
  };
  const Row rows[] = {
      {1000, {0.5623791f, 0.7896147f, 0.4399539f}, {0.8268795f, 0.6136030f, -0.8980204f}},
      {937.5, {0.2623021f, 0.5804873f, 0.2572234f}, {0.9649858f, -0.8142693f, 0.9663520f}},
      {833.33331299,
       {-0.6885854f, -0.8791582f, 0.5983214f},
       {-0.7251552f, 0.4765301f, -0.8012562f}},
      {625, {-0.9843873f, -0.9159672f, 0.6419438f}, {0.1760163f, -0.4012533f, 0.7667517f}}};
  const Tensor out(DType::kF32, {1, 256});
  for (const Row& row : rows) {
    fill_time_sinusoid(row.timestep, out);

    for (int64_t at = 0; at < 3; ++at) {
      EXPECT_NEAR(out.view().as<float>()[at], row.cosines[at], 2e-7);
      EXPECT_NEAR(out.view().as<float>()[128 + at], row.sines[at], 2e-7);
    }
  }
}

}  // namespace
}  // namespace reel::nn
