// SPDX-License-Identifier: Apache-2.0
#include "models/tae/decoder.h"

#include <cmath>

#include "base/error.h"
#include "core/buffer.h"
#include "core/download_queue.h"
#include "models/tae/frame_decoder.h"
#include "ops/elementwise.h"

namespace reel::tae {
namespace {

using ops::Scratch;

// Frame `index` of a latent, channels last, scaled and then squeezed: 3 tanh(z / 3).
void take_frame(const Config& config, const TensorView& latent, int64_t index, const Frame& z) {
  const int64_t pixels = z.shape[0] * z.shape[1];
  for (int64_t channel = 0; channel < kLatentChannels; ++channel) {
    const float* from = latent.as<float>() + (channel * latent.shape[1] + index) * pixels;
    const float scale = config.scale[static_cast<size_t>(channel)];
    const float shift = config.shift[static_cast<size_t>(channel)];
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      z.as<float>()[pixel * kLatentChannels + channel] =
          3 * std::tanh((from[pixel] * scale + shift) / 3);
    }
  }
}

}  // namespace

void Decoder::decode(ops::Context& ctx, const TensorView& latent, const FrameSink& on_frame,
                     CopyEngine* copies) {
  REEL_REQUIRE(latent.shape.axes() == 4 && latent.shape[0] == kLatentChannels &&
                   latent.dtype == DType::kF32 && latent.elements() > 0,
               kInvalidArgument,
               str_cat("The latents are ", latent.dtype, ' ', latent.shape,
                       "; f32 [16, frames, rows, cols] is needed."));
  const int64_t rows = latent.shape[2];
  const int64_t cols = latent.shape[3];
  const DecoderWeights weights = bind_decoder(config_, weights_.fixed());
  const Tensor z(DType::kF32, {rows, cols, kLatentChannels}, "a latent frame");
  const Tensor signed_frame(DType::kF32, {kRowStride * rows, kRowStride * cols, 3}, "a frame");
  DownloadQueue frames(ctx.memory, ctx.stream, copies, [&](const TensorView& rgb) {
    float* to = signed_frame.view().as<float>();
    for (int64_t at = 0; at < rgb.elements(); ++at) to[at] = 2 * rgb.as<float>()[at] - 1;
    on_frame(signed_frame);
  });
  FrameDecoder decoder(ctx, weights, rows, cols, [&](const Frame& rgb) { frames.add(rgb); });
  for (int64_t index = 0; index < latent.shape[1]; ++index) {
    Scratch scratch{ctx};
    take_frame(config_, latent, index, z);
    const Frame narrow = scratch.make(ctx.compute, z.shape());
    ops::cast(ctx, scratch.upload(z), narrow);
    decoder.decode(narrow);
  }
  frames.finish();
}

}  // namespace reel::tae
