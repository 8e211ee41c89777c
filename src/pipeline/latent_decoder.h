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

// What ModelOptions::vae_tiling says: "blended" is true, "off" and "" are false. Throws
// kInvalidArgument for other words.
bool wants_blended_tiles(const std::string& vae_tiling);

// What a run adds to a decode.
struct LatentDecodeOptions {
  int strips = 1;                // 1 to most_strips()
  CopyEngine* copies = nullptr;  // as wan_vae::DecodeOptions has it
  // Is told how much of the work is done, in frames or, where frames are blended from tiles, in
  // theirs.
  std::function<void(int64_t done, int64_t all)> on_progress;
};

class LatentDecoder {
 public:
  LatentDecoder() = default;
  // `tae_latents` is ModelOptions::tae_latents. Throws kInvalidArgument for other words, and as
  // vae_config() and tae_config().
  // `blends_tiles`: what wan_vae::TiledDecoder makes; without effect on a TAE.
  LatentDecoder(const checkpoint::Component& component, const std::string& tae_latents,
                bool blends_tiles = false);

  // "VAE", "light VAE", or one of the two above: what recipes call it.
  const char* name() const;
  std::vector<checkpoint::NeededTensor> needed() const;
  bool blends_tiles() const;
  // How many tiles each frame is blended from; 1 without tiles.
  int tiles(const VideoSize& video) const;

  // Calls on_frame with each frame [height_px, width_px, 3] f32 in host memory, about -1 to 1.
  //
  //   latents  [16, frames, rows, cols] f32, as the DiT makes them
  void decode(ops::Context& ctx, memory::BlockSource& weights, const TensorView& latents,
              const std::function<void(const TensorView&)>& on_frame,
              const LatentDecodeOptions& options) const;

  // What a decode takes.
  struct Footprint {
    std::vector<memory::TaggedBytes> held;
    std::vector<memory::Activation> forward;
    memory::Work work;
    uint64_t host_bytes = 0;  // of strips or tiles that wait for the last one
  };
  // 1 for a TAE, and with tiles, of which each is small.
  int most_strips(const VideoSize& video) const;
  Footprint footprint(const VideoSize& video, DType compute, int strips) const;

 private:
  std::variant<wan_vae::Config, tae::Config> config_;
  bool blends_tiles_ = false;
};

// A decoder and where its weights are.
class BoundDecoder {
 public:
  BoundDecoder(const LatentDecoder& decoder, memory::BlockSource& weights)
      : decoder_(decoder), weights_(weights) {}

  // As LatentDecoder::decode().
  void decode(ops::Context& ctx, const TensorView& latents,
              const std::function<void(const TensorView&)>& on_frame,
              const LatentDecodeOptions& options) {
    decoder_.decode(ctx, weights_, latents, on_frame, options);
  }

 private:
  LatentDecoder decoder_;
  memory::BlockSource& weights_;
};

}  // namespace reel::pipeline
