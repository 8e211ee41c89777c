// SPDX-License-Identifier: Apache-2.0
#include "models/wan_dit/transformer.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "models/wan_dit/patchify.h"
#include "nn/rope3d.h"
#include "nn/time_embedding.h"
#include "ops/norm.h"

namespace reel::wan_dit {
namespace {

using ops::Epilogue;

// a + b, element by element.
TensorView sum_of(ops::Scratch& scratch, const TensorView& a, const TensorView& b) {
  const TensorView out = scratch.f32(a.shape);
  for (int64_t at = 0; at < out.elements(); ++at) {
    out.as<float>()[at] = a.as<float>()[at] + b.as<float>()[at];
  }
  return out;
}

void require_finite(const TensorView& x, int block_index) {
  for (int64_t at = 0; at < x.elements(); ++at) {
    REEL_REQUIRE(std::isfinite(x.as<float>()[at]), kBadFile,
                 str_cat("Block ", block_index,
                         " of the DiT gives numbers that are not finite, "
                         "also with exact f32 products."),
                 "Its weights are damaged: compare their checksums, or download them again.");
  }
}

}  // namespace

Prompt::Prompt(const Config& config, DType compute, int64_t keys)
    : text_(compute, {keys, config.dim}, "the prompt"),
      key_bias_(DType::kF32, {keys}, "the prompt"),
      k_(static_cast<size_t>(config.layers)),
      v_(static_cast<size_t>(config.layers)) {}

Prompt Transformer::make_prompt(ops::Context& ctx, const TensorView& text_states) {
  const int64_t rows = text_states.rows();
  REEL_REQUIRE(rows >= 1 && rows <= config_.text_len && text_states.width() == config_.text_dim,
               kInvalidArgument,
               str_cat("The text states are ", text_states.shape, "; this model takes [1 to ",
                       config_.text_len, ", ", config_.text_dim, "]."));
  const int64_t padding = config_.text_len - rows;
  const int64_t keys = rows + (padding > 0 ? 1 : 0);
  Prompt prompt(config_, ctx.compute, keys);

  ops::Scratch scratch{ctx};
  const TensorView padded = scratch.f32({keys, config_.text_dim});
  std::memset(padded.data, 0, static_cast<size_t>(padded.size_bytes()));
  std::memcpy(padded.data, text_states.data, static_cast<size_t>(text_states.size_bytes()));
  const TensorView hidden = scratch.make(ctx.compute, {keys, config_.dim});
  const TopWeights top = bind_top(weights_.fixed());
  nn::linear(ctx, top.text_in, padded, hidden, Epilogue::kGeluTanh);
  nn::linear(ctx, top.text_out, hidden, prompt.text_);

  for (float& bias : prompt.key_bias_.values<float>()) bias = 0;
  if (padding > 0) {
    prompt.key_bias_.values<float>().back() = std::log(static_cast<float>(padding));
  }
  return prompt;
}

void Transformer::embed_time(ops::Context& ctx, float timestep, const TensorView& e,
                             const TensorView& e0) {
  ops::Scratch scratch{ctx};
  const TopWeights top = bind_top(weights_.fixed());
  const TensorView sinusoid = scratch.f32({1, config_.freq_dim});
  const TensorView hidden = scratch.f32({1, config_.dim});
  nn::fill_time_sinusoid(timestep, sinusoid);
  nn::linear(ctx, top.time_in, sinusoid, hidden, Epilogue::kSilu);
  nn::linear(ctx, top.time_out, hidden, e);
  for (int64_t at = 0; at < config_.dim; ++at) {
    const double value = e.as<float>()[at];
    hidden.as<float>()[at] = static_cast<float>(value / (1 + std::exp(-value)));
  }
  nn::linear(ctx, top.time_projection, hidden, e0);
}

TimeModulation Transformer::make_time_modulation(ops::Context& ctx,
                                                 const std::vector<float>& timesteps) {
  const auto steps = static_cast<int64_t>(timesteps.size());
  TimeModulation time{.blocks = Tensor(DType::kF32, {steps, 6, config_.dim}),
                      .head = Tensor(DType::kF32, {steps, config_.dim})};
  for (int64_t step = 0; step < steps; ++step) {
    embed_time(ctx, timesteps[static_cast<size_t>(step)], time.head.view().slice(step, 1),
               time.blocks.view().slice(step, 1).reshaped({1, 6 * config_.dim}));
  }
  return time;
}

void Transformer::head(ops::Context& ctx, const TensorView& x, const TensorView& e,
                       const TensorView& out) {
  ops::Scratch scratch{ctx};
  const TopWeights top = bind_top(weights_.fixed());
  const TensorView modulation = top.head_modulation.reshaped({2, config_.dim});
  const TensorView shift = sum_of(scratch, modulation.slice(0, 1), e);
  const TensorView scale = sum_of(scratch, modulation.slice(1, 1), e);
  const TensorView y = scratch.f32(x.shape);
  ops::layer_norm_modulate(ctx, x, scale, shift, kEps, y);
  nn::linear(ctx, top.head, y, out);
}

void Transformer::forward(ops::Context& ctx, const TensorView& latent, const TimeModulation& time,
                          int64_t step_index, Prompt& prompt, const TensorView& velocity,
                          const ForwardOptions& options) {
  const nn::TokenGrid grid = token_grid(latent.shape);
  REEL_REQUIRE(latent.shape[0] == config_.channels && velocity.shape == latent.shape,
               kInvalidArgument,
               str_cat("The latent is ", latent.shape, "; this model takes ", config_.channels,
                       " channels."));
  ops::Scratch scratch{ctx};
  const TensorView patches = scratch.f32({grid.tokens(), config_.patch_dim()});
  const TensorView x = scratch.f32({grid.tokens(), config_.dim});
  const TensorView rope = scratch.f32({grid.tokens(), kHeadDim / 2, 2});
  patchify(latent, patches);
  nn::linear(ctx, bind_top(weights_.fixed()).patch, patches, x);
  nn::fill_rope3d(grid, kHeadDim, rope);

  const StepInputs step{
      .time_mod = time.blocks.view().slice(step_index, 1).reshaped({6, config_.dim}), .rope = rope};
  for (int index = 0; index < config_.layers; ++index) {
    ctx.stop.check();
    const BlockWeights w = bind_block(weights_.acquire(index, ctx.stream), index);
    Tensor& k = prompt.k_[static_cast<size_t>(index)];
    Tensor& v = prompt.v_[static_cast<size_t>(index)];
    if (k.empty()) {
      Tensor keys(ctx.compute, prompt.text_.shape(), "the prompt's keys");
      Tensor values(ctx.compute, prompt.text_.shape(), "the prompt's values");
      fill_text_keys(ctx, w, prompt.text_, {.k = keys, .v = values, .key_bias = {}});
      k = std::move(keys);
      v = std::move(values);
    }
    const TextKeys text{.k = k, .v = v, .key_bias = prompt.key_bias_};
    block_forward(ctx, w, step, text, x);
    if (options.name_bad_block) require_finite(x, index);
    if (options.on_block) options.on_block(index + 1);
  }
  head(ctx, x, time.head.view().slice(step_index, 1), patches);
  unpatchify(patches, velocity);
}

}  // namespace reel::wan_dit
