// SPDX-License-Identifier: Apache-2.0
// The Wan VAE's decoder: latents in, video frames out, one at a time.
#pragma once

#include <functional>
#include <memory>

#include "core/copy_engine.h"
#include "core/tensor.h"
#include "memory/weight_source.h"
#include "models/wan_vae/config.h"
#include "ops/context.h"

namespace reel::wan_vae {

// Frames that `latent_frames` decode to: 4 (n - 1) + 1.
constexpr int64_t frames_of(int64_t latent_frames) {
  return kFrameStride * (latent_frames - 1) + 1;
}

// Throws kInvalidArgument for what is no f32 [16, latent_frames, latent_rows, latent_cols].
void require_latents(const TensorView& latent);

struct DecodeOptions {
  // Of rows, that levels after the first are computed in: 1 to most_strips(latent_rows).
  int strips = 1;
  // Frames go to the host through it while the next ones are computed; null: each is waited for.
  CopyEngine* copies = nullptr;
};

class Decoder {
 public:
  // Receives one frame [height_px, width_px, 3] f32, red first, about -1 to 1 and not clamped;
  // in host memory, valid during the call.
  using FrameSink = std::function<void(const TensorView& frame)>;

  // `weights` must outlive this object.
  explicit Decoder(memory::BlockSource& weights) : weights_(weights) {}

  // Decodes a clip.
  //
  //   latent   [16, latent_frames, latent_rows, latent_cols] f32, normalised as the DiT makes it
  //   on_frame called frames_of(latent_frames) times in order
  //
  // In one strip, memory does not depend on the number of frames: every causal convolution keeps
  // the last two inputs, and each frame passes all stages before the next one starts. More strips
  // take less: only one strip's past is kept at a time. Each then goes through the whole clip, so
  // ctx.memory holds level 0's output for all frames, and the host the strips before the last one.
  // Frames are the same bytes on a GPU and with the reference kernels.
  // Numerics: what passes from block to block is f32, or f16 where
  // that is the compute precision; what goes into products is ctx.compute.
  // Throws kCancelled when the stop flag is set.
  // Source: Wan 2.1, wan/modules/vae.py, Decoder3d.forward with its feature cache, which equals
  // one pass over all frames.
  void decode(ops::Context& ctx, const TensorView& latent, const FrameSink& on_frame,
              const DecodeOptions& options = {});

 private:
  memory::BlockSource& weights_;
};

}  // namespace reel::wan_vae
