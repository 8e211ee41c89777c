// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/decoder.h"

#include <cstring>

#include "base/error.h"
#include "models/wan_vae/stages.h"

namespace reel::wan_vae {
namespace {

using ops::Scratch;

// Frame `index` of a latent, channels last, as the decoder takes it: latent * std + mean.
void denormalise_frame(const TensorView& latent, int64_t index, const Frame& z) {
  const int64_t pixels = z.shape[0] * z.shape[1];
  for (int64_t channel = 0; channel < kLatentChannels; ++channel) {
    const float* from = latent.as<float>() + (channel * latent.shape[1] + index) * pixels;
    const float deviation = kLatentStd[static_cast<size_t>(channel)];
    const float mean = kLatentMean[static_cast<size_t>(channel)];
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      z.as<float>()[pixel * kLatentChannels + channel] = from[pixel] * deviation + mean;
    }
  }
}

// Latent frames of a clip, one at a time, where the decoder computes.
class LatentFrames {
 public:
  explicit LatentFrames(const TensorView& latent)
      : latent_(latent),
        z_(DType::kF32, {latent.shape[2], latent.shape[3], kLatentChannels}, "a latent frame") {}

  Frame upload(Scratch& scratch, int64_t index) {
    denormalise_frame(latent_, index, z_);
    return scratch.upload(z_);
  }

 private:
  const TensorView& latent_;
  const Tensor z_;
};

// Frames on their way out, in host memory: strips that come before the last one wait here.
class Pictures {
 public:
  // `rows_before` of each picture come before the last strip.
  Pictures(const Shape& latent, int64_t rows_before)
      : frame_(DType::kF32, {kRowStride * latent[2], kRowStride * latent[3], 3}, "a frame") {
    if (rows_before == 0) return;
    waiting_ = Tensor(DType::kF32,
                      {frames_of(latent[1]), rows_before, frame_.shape()[1], frame_.shape()[2]},
                      "strips of frames");
  }

  // Where these rows of frame `index` go, which is a strip before the last one.
  TensorView waiting(int64_t index, const Rows& rows) const {
    const TensorView frame = waiting_.view().slice(index, 1);
    return frame.reshaped({frame.shape[1], frame.shape[2], frame.shape[3]})
        .slice(rows.begin, rows.count());
  }
  // Frame `index`, where its last strip is still to be filled in.
  const TensorView& complete(int64_t index) const {
    if (!waiting_.empty()) {
      const TensorView before = waiting_.view().slice(index, 1);
      std::memcpy(frame_.view().data, before.data, static_cast<size_t>(before.size_bytes()));
    }
    return frame_.view();
  }

 private:
  Tensor frame_, waiting_;
};

void download(ops::Context& ctx, const Frame& from, const TensorView& to) {
  ctx.memory.download(to.data, from.data, static_cast<size_t>(from.size_bytes()), ctx.stream);
}

// A clip on its way through the decoder.
class ClipDecoder {
 public:
  ClipDecoder(ops::Context& ctx, const DecoderWeights& weights, const TensorView& latent,
              const Decoder::FrameSink& on_frame)
      : ctx_(ctx), w_(weights), latent_(latent), latents_(latent), on_frame_(on_frame) {}

  // Each latent frame through all stages.
  void decode_whole() {
    LowStages low(ctx_, w_);
    const Strip strip = make_strip(latent_.shape[2], 1, 0);
    const Pictures pictures(latent_.shape, 0);
    HighStages high(ctx_, w_, strip, last_sink(strip, pictures));
    for (int64_t index = 0; index < latent_.shape[1]; ++index) {
      Scratch scratch{ctx_};
      const Frame x = scratch.make(ctx_.residual(), low_shape());
      decode_low(low, index, x);
      high.decode(x);
    }
  }

  // All latent frames through the low stages, then strip by strip through the others.
  void decode_in_strips(int strips) {
    const Shape frame = low_shape();
    const Tensor frames(ctx_.memory, ctx_.residual(),
                        {latent_.shape[1], frame[0], frame[1], frame[2]}, "frames of level 0");
    const auto frame_at = [&](int64_t index) {
      return frames.view().slice(index, 1).reshaped(frame);
    };
    {
      LowStages low(ctx_, w_);
      for (int64_t at = 0; at < latent_.shape[1]; ++at) decode_low(low, at, frame_at(at));
    }
    const int64_t rows = latent_.shape[2];
    const Pictures pictures(latent_.shape, make_strip(rows, strips, strips - 1).picture.begin);
    for (int index = 0; index < strips; ++index) {
      const Strip strip = make_strip(rows, strips, index);
      HighStages high(ctx_, w_, strip,
                      index + 1 == strips ? last_sink(strip, pictures) : sink(strip, pictures));
      const Rows& held = strip.levels[0].held;
      for (int64_t at = 0; at < latent_.shape[1]; ++at) {
        high.decode(frame_at(at).slice(held.begin, held.count()));
      }
    }
  }

 private:
  Shape low_shape() const {
    return {latent_.shape[2], latent_.shape[3], w_.first.weight.shape.out_channels};
  }

  void decode_low(LowStages& low, int64_t index, const Frame& out) {
    Scratch scratch{ctx_};
    low.decode(latents_.upload(scratch, index), out);
  }

  HighStages::RowsSink sink(const Strip& strip, const Pictures& pictures) {
    return [this, rows = strip.picture, &pictures, index = int64_t{0}](const Frame& from) mutable {
      download(ctx_, from, pictures.waiting(index++, rows));
    };
  }
  HighStages::RowsSink last_sink(const Strip& strip, const Pictures& pictures) {
    return [this, rows = strip.picture, &pictures, index = int64_t{0}](const Frame& from) mutable {
      const TensorView& frame = pictures.complete(index++);
      download(ctx_, from, frame.slice(rows.begin, rows.count()));
      on_frame_(frame);
    };
  }

  ops::Context& ctx_;
  const DecoderWeights& w_;
  const TensorView& latent_;
  LatentFrames latents_;
  const Decoder::FrameSink& on_frame_;
};

}  // namespace

void Decoder::decode(ops::Context& ctx, const TensorView& latent, const FrameSink& on_frame,
                     int strips) {
  REEL_REQUIRE(latent.shape.axes() == 4 && latent.shape[0] == kLatentChannels &&
                   latent.dtype == DType::kF32 && latent.elements() > 0,
               kInvalidArgument,
               str_cat("The latents are ", latent.dtype, ' ', latent.shape,
                       "; f32 [16, frames, rows, cols] is needed."));
  REEL_REQUIRE(1 <= strips && strips <= most_strips(latent.shape[2]), kInvalidArgument,
               str_cat("The decoder cannot cut ", latent.shape[2], " rows of latents into ", strips,
                       " strips; ", most_strips(latent.shape[2]), " are possible."));
  const DecoderWeights weights = bind_decoder(weights_.fixed());
  ClipDecoder clip(ctx, weights, latent, on_frame);
  if (strips == 1) return clip.decode_whole();
  clip.decode_in_strips(strips);
}

}  // namespace reel::wan_vae
