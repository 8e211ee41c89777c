// SPDX-License-Identifier: Apache-2.0
// A small decoder with random weights, to compare strips and tiles with whole frames on any
// kernels.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <vector>

#include "base/stop.h"
#include "checkpoint/checkpoint.h"
#include "core/buffer.h"
#include "memory/weight_source.h"
#include "models/wan_vae/config.h"
#include "models/wan_vae/tiled_decoder.h"
#include "ops/kernels.h"
#include "support/temp_folder.h"

namespace reel::test {

class RandomDecoder {
 public:
  // Kernels of host memory. `stop`, when it is there, must outlive this object.
  RandomDecoder(const ops::Kernels& kernels, DType compute, uint64_t seed = 11,
                const StopFlag* stop = nullptr);

  // [frames, 8 rows, 8 cols, 3] f32 of latents [16, latent frames, rows, cols]: whole, and in
  // tiles.
  Tensor decode(const TensorView& latents, int strips = 1) const;
  Tensor decode_tiled(const TensorView& latents,
                      const wan_vae::TiledDecoder::Counter& on_tile_frame = {}) const;
  // The same of random latents.
  Tensor decode(const Shape& latent, int strips) const;
  // Compares the bytes for each of these counts that the rows allow.
  void expect_strips_like_whole(const Shape& latent, std::initializer_list<int> counts) const;

 private:
  using Run =
      std::function<void(ops::Context&, memory::BlockSource&, const wan_vae::Decoder::FrameSink&)>;
  Tensor frames_of(const Shape& latent, const Run& run) const;

  const ops::Kernels& kernels_;
  const DType compute_;
  // Widths of whole chunks of 8 channels and of less.
  const wan_vae::Config config_{.channels = {16, 16, 16, 8, 4}};
  TempFolder folder_;
  const StopFlag own_stop_;
  const StopFlag& stop_;
  checkpoint::Component component_;
  std::unique_ptr<memory::WeightSource> weights_;
};

}  // namespace reel::test
