// SPDX-License-Identifier: Apache-2.0
// A tiny autoencoder's decoder: latents in, video frames out, one at a time, in a fraction of the
// VAE's time and memory.
#pragma once

#include <functional>

#include "core/copy_engine.h"
#include "core/tensor.h"
#include "memory/weight_source.h"
#include "models/tae/config.h"
#include "ops/context.h"

namespace reel::tae {

// Frames that `latent_frames` decode to: 4 (n - 1) + 1.
constexpr int64_t frames_of(int64_t latent_frames) {
  return kFrameStride * (latent_frames - 1) + 1;
}

class Decoder {
 public:
  // Receives one frame [height_px, width_px, 3] f32, red first, about -1 to 1 and not clamped;
  // in host memory, valid during the call.
  using FrameSink = std::function<void(const TensorView& frame)>;

  // `weights` must outlive this object.
  Decoder(const Config& config, memory::BlockSource& weights)
      : config_(config), weights_(weights) {}

  // Decodes a clip.
  //
  //   latent   [16, latent_frames, latent_rows, latent_cols] f32, normalised as the DiT makes it
  //   on_frame called frames_of(latent_frames) times in order
  //   copies   frames go to the host through it while the next ones are computed; null: each is
  //            waited for
  //
  // Memory does not depend on the number of frames. Numerics: what passes from layer to layer is
  // ctx.compute, sums are f32.
  // Throws kInvalidArgument for other latents, kCancelled when the stop flag is set.
  // Source: madebyollin/taehv, taehv.py, TAEHV.decode_video; LightX2V,
  // models/video_encoders/hf/wan/vae_tiny.py, for the latents' scale.
  void decode(ops::Context& ctx, const TensorView& latent, const FrameSink& on_frame,
              CopyEngine* copies = nullptr);

 private:
  const Config config_;
  memory::BlockSource& weights_;
};

}  // namespace reel::tae
