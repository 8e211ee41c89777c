// SPDX-License-Identifier: Apache-2.0
// A small TAE with random weights, on any kernels.
#pragma once

#include <filesystem>
#include <memory>

#include "base/stop.h"
#include "checkpoint/checkpoint.h"
#include "core/buffer.h"
#include "memory/weight_source.h"
#include "models/tae/config.h"
#include "ops/kernels.h"
#include "support/temp_folder.h"

namespace reel::test {

class RandomTae {
 public:
  // Kernels of host memory.
  RandomTae(const ops::Kernels& kernels, DType compute, const tae::Config& config,
            uint64_t seed = 11);

  // [frames, 8 rows, 8 cols, 3] f32 of latents [16, latent frames, rows, cols] f32.
  Tensor decode(const Tensor& latents) const { return decode(latents, config_); }
  // As another configuration of the same widths does it.
  Tensor decode(const Tensor& latents, const tae::Config& config) const;

  const memory::WeightSource& weights() const { return *weights_; }
  StopFlag& stop() { return stop_; }

 private:
  const ops::Kernels& kernels_;
  const DType compute_;
  const tae::Config config_;
  TempFolder folder_;
  StopFlag stop_;
  checkpoint::Component component_;
  std::unique_ptr<memory::WeightSource> weights_;
};

}  // namespace reel::test
