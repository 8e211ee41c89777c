// SPDX-License-Identifier: Apache-2.0
#include "models/tae/decoder.h"

#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "core/buffer.h"
#include "core/download_queue.h"
#include "models/tae/frame_decoder.h"
#include "ops/elementwise.h"

namespace reel::tae {
namespace {

using ops::Scratch;

constexpr int64_t kPixelGrain = 512;
constexpr int64_t kNumberGrain = 1 << 16;

// Frame `index` of a latent, channels last, scaled and then squeezed: 3 tanh(z / 3).
void take_frame(const Config& config, const TensorView& latent, int64_t index, const Frame& z) {
  const int64_t pixels = z.shape[0] * z.shape[1];
  const float* const from = latent.as<float>() + index * pixels;
  const int64_t of_channel = latent.shape[1] * pixels;
  float* const to = z.as<float>();
  parallel_for(pixels, kPixelGrain, [&](int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end; ++pixel) {
      for (int64_t channel = 0; channel < kLatentChannels; ++channel) {
        const auto at = static_cast<size_t>(channel);
        const float value = from[channel * of_channel + pixel];
        to[pixel * kLatentChannels + channel] =
            3 * std::tanh((value * config.scale[at] + config.shift[at]) / 3);
      }
    }
  });
}

// From 0..1 to -1..1. A GPU makes a frame in a millisecond: this must not take longer.
void widen(const TensorView& rgb, const TensorView& to) {
  const float* const from = rgb.as<float>();
  float* const out = to.as<float>();
  parallel_for(rgb.elements(), kNumberGrain, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) out[at] = 2 * from[at] - 1;
  });
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
    widen(rgb, signed_frame.view());
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
