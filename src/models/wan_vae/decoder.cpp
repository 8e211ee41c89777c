// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/decoder.h"

#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "models/wan_vae/weights.h"
#include "nn/frame_ring.h"
#include "ops/attention.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/norm.h"

namespace reel::wan_vae {
namespace {

using nn::FrameRing;
using ops::Frame;
using ops::Scratch;

// A residual block with the past of its two convolutions.
struct ResidualState {
  FrameRing conv1, conv2;
};

// All that one clip's decoding remembers from frame to frame.
struct ClipState {
  FrameRing first, head;
  ResidualState middle0, middle2;
  std::array<std::array<ResidualState, kResidualsPerLevel>, kLevels> residuals;
  std::array<FrameRing, kLevels - 1> time_convs;
  // The clip's first frame is not doubled in time, and is not part of any time convolution's past.
  std::array<bool, kLevels - 1> past_first_frame{};
};

// What passes from block to block.
Frame between_blocks(ops::Context& ctx, Scratch& scratch, const Shape& shape) {
  return scratch.make(ctx.residual(), shape);
}

Shape with_channels(const Frame& frame, int64_t channels) {
  return {frame.shape[0], frame.shape[1], channels};
}

TensorView as_rows(const Frame& frame) {
  return frame.reshaped({frame.shape[0] * frame.shape[1], frame.shape[2]});
}

// One clip on its way through the decoder, a frame at a time, depth first.
class ClipDecoder {
 public:
  ClipDecoder(ops::Context& ctx, const DecoderWeights& weights, const Decoder::FrameSink& on_frame)
      : ctx_(ctx), w_(weights), on_frame_(on_frame) {}

  // `z` [latent_rows, latent_cols, 16] f32: one latent frame, denormalised.
  void add_latent_frame(const Frame& z) {
    Scratch scratch{ctx_};
    const Frame mixed = state_.first.next(ctx_, z.shape);
    nn::linear(ctx_, w_.latent, as_rows(z), as_rows(mixed));
    const Frame x =
        between_blocks(ctx_, scratch, with_channels(z, w_.first.weight.shape.out_channels));
    causal_conv(state_.first, w_.first, x);
    residual(w_.middle0, state_.middle0, x, x);
    attention(x);
    residual(w_.middle2, state_.middle2, x, x);
    level(0, x);
  }

 private:
  // out = conv over the ring's last three frames (+ residual).
  void causal_conv(const FrameRing& past, const ConvWeights& w, const Frame& out,
                   std::span<const Frame> residual = {}) {
    const std::array<Frame, FrameRing::kTaps> frames = past.frames();
    ops::conv(ctx_, frames, w.weight, w.bias, std::span(&out, 1), residual);
  }

  // out = conv2(silu(norm2(conv1(silu(norm1(x)))))) + shortcut(x). out may be x.
  void residual(const ResidualWeights& w, ResidualState& state, const Frame& x, const Frame& out) {
    Scratch scratch{ctx_};
    ops::l2_norm(ctx_, x, w.norm1, true, state.conv1.next(ctx_, x.shape));
    const Frame hidden = between_blocks(ctx_, scratch, out.shape);
    causal_conv(state.conv1, w.conv1, hidden);
    ops::l2_norm(ctx_, hidden, w.norm2, true, state.conv2.next(ctx_, hidden.shape));
    if (w.shortcut.weight.data == nullptr) {
      causal_conv(state.conv2, w.conv2, out, std::span(&x, 1));
      return;
    }
    nn::linear(ctx_, w.shortcut, as_rows(x), as_rows(hidden));
    causal_conv(state.conv2, w.conv2, out, std::span(&hidden, 1));
  }

  // x += projection(attention(norm(x))) over the frame's pixels, one head.
  void attention(const Frame& x) {
    Scratch scratch{ctx_};
    const AttentionWeights& w = w_.middle1;
    const TensorView rows = as_rows(x);
    const TensorView y = scratch.make(ctx_.compute, rows.shape);
    const TensorView q = scratch.make(ctx_.compute, rows.shape);
    const TensorView k = scratch.make(ctx_.compute, rows.shape);
    const TensorView v = scratch.make(ctx_.compute, rows.shape);
    ops::l2_norm(ctx_, rows, w.norm, false, y);
    nn::linear(ctx_, w.q, y, q);
    nn::linear(ctx_, w.k, y, k);
    nn::linear(ctx_, w.v, y, v);
    ops::attention(ctx_, q, k, v, 1, 1.0f / std::sqrt(static_cast<float>(rows.width())), y);
    nn::linear(ctx_, w.projection, y, rows, ops::Epilogue::kAdd);
  }

  // The residual blocks of a level, then the way up to the next one or out.
  void level(int index, const Frame& x) {
    ctx_.stop.check();
    Scratch scratch{ctx_};
    const auto at = static_cast<size_t>(index);
    const auto& weights = w_.residuals[at];
    auto& states = state_.residuals[at];
    const Frame y =
        between_blocks(ctx_, scratch, with_channels(x, weights[0].conv2.weight.shape.out_channels));
    residual(weights[0], states[0], x, y);
    residual(weights[1], states[1], y, y);
    residual(weights[2], states[2], y, y);
    if (index + 1 == kLevels) return emit(y);
    if (w_.resamples[at].even_frame.weight.data == nullptr) return grow(index, y);
    if (!state_.past_first_frame[at]) {
      state_.past_first_frame[at] = true;
      return grow(index, y);
    }
    double_frames(index, y);
  }

  void double_frames(int index, const Frame& x) {
    Scratch scratch{ctx_};
    const auto at = static_cast<size_t>(index);
    FrameRing& past = state_.time_convs[at];
    ops::cast(ctx_, x, past.next(ctx_, x.shape));
    const Frame frame = scratch.make(ctx_.compute, x.shape);
    causal_conv(past, w_.resamples[at].even_frame, frame);
    grow(index, frame);
    causal_conv(past, w_.resamples[at].odd_frame, frame);
    grow(index, frame);
  }

  // Doubles rows and columns and goes on to the next level.
  void grow(int index, const Frame& from) {
    Scratch scratch{ctx_};
    Frame x = from;
    if (from.dtype != ctx_.compute) {
      x = scratch.make(ctx_.compute, from.shape);
      ops::cast(ctx_, from, x);
    }
    const ConvWeights& w = w_.resamples[static_cast<size_t>(index)].space;
    const Frame larger = scratch.make(ctx_.compute, {2 * x.shape[0], 2 * x.shape[1], x.shape[2]});
    const Frame out =
        between_blocks(ctx_, scratch, with_channels(larger, w.weight.shape.out_channels));
    ops::upsample2x(ctx_, x, larger);
    ops::conv(ctx_, std::span(&larger, 1), w.weight, w.bias, std::span(&out, 1));
    level(index + 1, out);
  }

  void emit(const Frame& x) {
    Scratch scratch{ctx_};
    const Frame rgb = scratch.f32(with_channels(x, 3));
    ops::l2_norm(ctx_, x, w_.head_norm, true, state_.head.next(ctx_, x.shape));
    causal_conv(state_.head, w_.head, rgb);
    if (frame_.empty()) frame_ = Tensor(DType::kF32, rgb.shape, "a frame");
    ctx_.memory.download(frame_.view().data, rgb.data, static_cast<size_t>(rgb.size_bytes()),
                         ctx_.stream);
    on_frame_(frame_);
  }

  ops::Context& ctx_;
  const DecoderWeights& w_;
  const Decoder::FrameSink& on_frame_;
  ClipState state_;
  Tensor frame_;  // the one handed out, in host memory
};

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

}  // namespace

void Decoder::decode(ops::Context& ctx, const TensorView& latent, const FrameSink& on_frame) {
  REEL_REQUIRE(latent.shape.axes() == 4 && latent.shape[0] == kLatentChannels &&
                   latent.dtype == DType::kF32 && latent.elements() > 0,
               kInvalidArgument,
               str_cat("The latents are ", latent.dtype, ' ', latent.shape,
                       "; f32 [16, frames, rows, cols] is needed."));
  const DecoderWeights weights = bind_decoder(weights_.fixed());
  ClipDecoder clip(ctx, weights, on_frame);
  const Tensor z(DType::kF32, {latent.shape[2], latent.shape[3], kLatentChannels},
                 "a latent frame");
  for (int64_t index = 0; index < latent.shape[1]; ++index) {
    Scratch scratch{ctx};
    denormalise_frame(latent, index, z);
    clip.add_latent_frame(scratch.upload(z));
  }
}

}  // namespace reel::wan_vae
