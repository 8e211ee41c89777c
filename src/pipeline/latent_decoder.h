// SPDX-License-Identifier: Apache-2.0
// The network that turns latents into frames, whichever it is: a VAE, a light VAE or a TAE.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "core/copy_engine.h"
#include "memory/arena_layout.h"
#include "memory/planner.h"
#include "memory/weight_source.h"
#include "models/tae/config.h"
#include "models/wan_vae/config.h"
#include "ops/context.h"
#include "pipeline/latent_shape.h"

namespace reel::pipeline {

inline constexpr const char* kTaeName = "TAE";
inline constexpr const char* kTaeOfVaeLatentsName = "TAE of VAE latents";

class LatentDecoder {
 public:
  LatentDecoder() = default;
  // `tae_latents` is ModelOptions::tae_latents. Throws kInvalidArgument for other words, and as
  // vae_config() and tae_config().
  LatentDecoder(const checkpoint::Component& component, const std::string& tae_latents);

  // "VAE", "light VAE", or one of the two above: what recipes call it.
  const char* name() const;
  std::vector<checkpoint::NeededTensor> needed() const;

  // Calls on_frame with each frame [height_px, width_px, 3] f32 in host memory, about -1 to 1.
  //
  //   latents  [16, frames, rows, cols] f32, as the DiT makes them
  //   strips   1 to most_strips(); always 1 for a TAE
  //   copies   as wan_vae::DecodeOptions has it
  void decode(ops::Context& ctx, memory::BlockSource& weights, const TensorView& latents,
              const std::function<void(const TensorView&)>& on_frame, int strips,
              CopyEngine* copies) const;

  // What a decode takes.
  struct Footprint {
    std::vector<memory::TaggedBytes> held;
    std::vector<memory::Activation> forward;
    memory::Work work;
    uint64_t host_bytes = 0;  // of strips that wait for the last one
  };
  int most_strips(const VideoSize& video) const;
  Footprint footprint(const VideoSize& video, DType compute, int strips) const;

 private:
  std::variant<wan_vae::Config, tae::Config> config_;
};

// A decoder and where its weights are.
class BoundDecoder {
 public:
  BoundDecoder(const LatentDecoder& decoder, memory::BlockSource& weights)
      : decoder_(decoder), weights_(weights) {}

  // As LatentDecoder::decode().
  void decode(ops::Context& ctx, const TensorView& latents,
              const std::function<void(const TensorView&)>& on_frame, int strips,
              CopyEngine* copies) {
    decoder_.decode(ctx, weights_, latents, on_frame, strips, copies);
  }

 private:
  LatentDecoder decoder_;
  memory::BlockSource& weights_;
};

}  // namespace reel::pipeline
