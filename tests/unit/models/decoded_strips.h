// SPDX-License-Identifier: Apache-2.0
// A small decoder with random weights, to compare strips with whole frames on any kernels.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "base/stop.h"
#include "checkpoint/checkpoint.h"
#include "core/buffer.h"
#include "memory/weight_source.h"
#include "models/wan_vae/config.h"
#include "ops/kernels.h"
#include "support/temp_folder.h"

namespace reel::test {

class RandomDecoder {
 public:
  // Kernels of host memory.
  RandomDecoder(const ops::Kernels& kernels, DType compute, uint64_t seed = 11);

  // [frames, 8 rows, 8 cols, 3] f32 of random latents [16, latent frames, rows, cols].
  Tensor decode(const Shape& latent, int strips) const;
  // Compares the bytes for each of these counts that the rows allow.
  void expect_strips_like_whole(const Shape& latent, std::initializer_list<int> counts) const;

 private:
  const ops::Kernels& kernels_;
  const DType compute_;
  // Widths of whole chunks of 8 channels and of less.
  const wan_vae::Config config_{.channels = {16, 16, 16, 8, 4}};
  TempFolder folder_;
  StopFlag stop_;
  checkpoint::Component component_;
  std::unique_ptr<memory::WeightSource> weights_;
};

}  // namespace reel::test
