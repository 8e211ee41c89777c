// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/decoder.h"

#include <cstring>
#include <utility>

#include "base/error.h"
#include "core/download_queue.h"
#include "memory/tags.h"
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

// Frames put together from strips, in host memory.
class Pictures {
 public:
  // `last` is what of a frame comes last; the strips before it wait here.
  Pictures(const Shape& latent, const Rows& last)
      : last_(last),
        frame_(DType::kF32, {kRowStride * latent[2], kRowStride * latent[3], 3}, "a frame"),
        waiting_(DType::kF32,
                 {frames_of(latent[1]), last.begin, frame_.shape()[1], frame_.shape()[2]},
                 "strips of frames") {}

  // Keeps these rows of frame `index`.
  void keep(int64_t index, const Rows& rows, const TensorView& pixels) const {
    copy(pixels, waiting_rows(index).slice(rows.begin, rows.count()));
  }
  // Frame `index` with its last rows.
  const TensorView& complete(int64_t index, const TensorView& pixels) const {
    copy(waiting_rows(index), frame_.view().slice(0, last_.begin));
    copy(pixels, frame_.view().slice(last_.begin, last_.count()));
    return frame_.view();
  }

 private:
  TensorView waiting_rows(int64_t index) const {
    const Shape& all = waiting_.shape();
    return waiting_.view().slice(index, 1).reshaped({all[1], all[2], all[3]});
  }
  static void copy(const TensorView& from, const TensorView& to) {
    std::memcpy(to.data, from.data, static_cast<size_t>(from.size_bytes()));
  }

  const Rows last_;
  const Tensor frame_, waiting_;
};

// A clip on its way through the decoder.
class ClipDecoder {
 public:
  ClipDecoder(ops::Context& ctx, const DecoderWeights& weights, const TensorView& latent,
              const Decoder::FrameSink& on_frame, CopyEngine* copies)
      : ctx_(ctx),
        w_(weights),
        latent_(latent),
        latents_(latent),
        on_frame_(on_frame),
        copies_(copies) {}

  // Each latent frame through all stages.
  void decode_whole() {
    LowStages low(ctx_, w_);
    DownloadQueue frames(ctx_.memory, ctx_.stream, copies_, on_frame_);
    HighStages high(ctx_, w_, make_strip(latent_.shape[2], 1, 0),
                    [&](const Frame& frame) { frames.add(frame); });
    for (int64_t index = 0; index < latent_.shape[1]; ++index) {
      Scratch scratch{ctx_};
      const Frame x = scratch.make(ctx_.residual(), low_shape());
      decode_low(low, index, x);
      high.decode(x);
    }
    frames.finish();
  }

  // All latent frames through the low stages, then strip by strip through the others.
  void decode_in_strips(int strips) {
    const Shape frame = low_shape();
    const Tensor frames(ctx_.memory, ctx_.residual(),
                        {latent_.shape[1], frame[0], frame[1], frame[2]}, memory::tags::kLowFrames);
    const auto frame_at = [&](int64_t index) {
      return frames.view().slice(index, 1).reshaped(frame);
    };
    {
      LowStages low(ctx_, w_);
      for (int64_t at = 0; at < latent_.shape[1]; ++at) decode_low(low, at, frame_at(at));
    }
    const int64_t rows = latent_.shape[2];
    const Pictures pictures(latent_.shape, make_strip(rows, strips, strips - 1).picture);
    for (int index = 0; index + 1 < strips; ++index) {
      const Strip strip = make_strip(rows, strips, index);
      decode_strip(strip, frame_at, [&, at = int64_t{0}](const TensorView& pixels) mutable {
        pictures.keep(at++, strip.picture, pixels);
      });
    }
    decode_strip(make_strip(rows, strips, strips - 1), frame_at,
                 [&, at = int64_t{0}](const TensorView& pixels) mutable {
                   on_frame_(pictures.complete(at++, pixels));
                 });
  }

 private:
  Shape low_shape() const {
    return {latent_.shape[2], latent_.shape[3], w_.first.weight.shape.out_channels};
  }

  void decode_low(LowStages& low, int64_t index, const Frame& out) {
    Scratch scratch{ctx_};
    low.decode(latents_.upload(scratch, index), out);
  }

  // One strip of all frames.
  template <typename FrameAt>
  void decode_strip(const Strip& strip, const FrameAt& frame_at, DownloadQueue::Sink on_rows) {
    DownloadQueue downloads(ctx_.memory, ctx_.stream, copies_, std::move(on_rows));
    HighStages high(ctx_, w_, strip, [&](const Frame& rows) { downloads.add(rows); });
    const Rows& held = strip.levels[0].held;
    for (int64_t at = 0; at < latent_.shape[1]; ++at) {
      high.decode(frame_at(at).slice(held.begin, held.count()));
    }
    downloads.finish();
  }

  ops::Context& ctx_;
  const DecoderWeights& w_;
  const TensorView& latent_;
  LatentFrames latents_;
  const Decoder::FrameSink& on_frame_;
  CopyEngine* const copies_;
};

}  // namespace

void require_latents(const TensorView& latent) {
  REEL_REQUIRE(latent.shape.axes() == 4 && latent.shape[0] == kLatentChannels &&
                   latent.dtype == DType::kF32 && latent.elements() > 0,
               kInvalidArgument,
               str_cat("The latents are ", latent.dtype, ' ', latent.shape,
                       "; f32 [16, frames, rows, cols] is needed."));
}

void Decoder::decode(ops::Context& ctx, const TensorView& latent, const FrameSink& on_frame,
                     const DecodeOptions& options) {
  require_latents(latent);
  const int strips = options.strips;
  REEL_REQUIRE(1 <= strips && strips <= most_strips(latent.shape[2]), kInvalidArgument,
               str_cat("The decoder cannot cut ", latent.shape[2], " rows of latents into ", strips,
                       " strips; ", most_strips(latent.shape[2]), " are possible."));
  const DecoderWeights weights = bind_decoder(weights_.fixed());
  ClipDecoder clip(ctx, weights, latent, on_frame, options.copies);
  if (strips == 1) return clip.decode_whole();
  clip.decode_in_strips(strips);
}

}  // namespace reel::wan_vae
