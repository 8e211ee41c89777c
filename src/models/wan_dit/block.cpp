// SPDX-License-Identifier: Apache-2.0
#include "models/wan_dit/block.h"

#include <cmath>

#include "models/wan_dit/config.h"
#include "ops/attention.h"
#include "ops/norm.h"

namespace reel::wan_dit {
namespace {

using ops::Epilogue;

const float kScale = 1.0f / std::sqrt(static_cast<float>(kHeadDim));

// The six per-channel vectors that let the timestep steer a block. [dim] f32 each.
struct Modulation {
  TensorView attn_shift, attn_scale, attn_gate;
  TensorView mlp_shift, mlp_scale, mlp_gate;
};

Modulation modulate(const TensorView& learned, const TensorView& from_time, ops::Scratch& scratch) {
  const TensorView sum = scratch.f32(from_time.shape);  // [6, dim]
  for (int64_t at = 0; at < sum.elements(); ++at) {
    sum.as<float>()[at] = learned.as<float>()[at] + from_time.as<float>()[at];
  }
  return {sum.slice(0, 1), sum.slice(1, 1), sum.slice(2, 1),
          sum.slice(3, 1), sum.slice(4, 1), sum.slice(5, 1)};
}

// x += gate * out(attention(q, k, v)), y being the normalised input.
void self_attention(ops::Context& ctx, const AttentionWeights& w, const TensorView& y,
                    const TensorView& rope, const TensorView& gate, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const TensorView q = scratch.make(ctx.compute, y.shape);
  const TensorView k = scratch.make(ctx.compute, y.shape);
  const TensorView v = scratch.make(ctx.compute, y.shape);
  nn::linear(ctx, w.q, y, q);
  nn::linear(ctx, w.k, y, k);
  nn::linear(ctx, w.v, y, v);
  ops::rms_norm_rope(ctx, q, w.q_norm, kEps, rope, q);
  ops::rms_norm_rope(ctx, k, w.k_norm, kEps, rope, k);
  // y was read for the last time above.
  ops::attention(ctx, q, k, v, x.width() / kHeadDim, kScale, y);
  nn::linear(ctx, w.out, y, x, Epilogue::kGatedAdd, gate);
}

// x += out(attention(q, text)): the one branch the timestep does not modulate.
void cross_attention(ops::Context& ctx, const AttentionWeights& w, const TensorView& y,
                     const TextKeys& text, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const TensorView q = scratch.make(ctx.compute, y.shape);
  nn::linear(ctx, w.q, y, q);
  ops::rms_norm(ctx, q, w.q_norm, kEps, q);
  ops::attention(ctx, q, text.k, text.v, x.width() / kHeadDim, kScale, y,
                 {.per_key = text.key_bias, .relative = {}});
  nn::linear(ctx, w.out, y, x, Epilogue::kAdd);
}

// x += gate * down(gelu(up(y)))
void feed_forward(ops::Context& ctx, const BlockWeights& w, const TensorView& y,
                  const TensorView& gate, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const TensorView hidden = scratch.make(ctx.compute, {y.rows(), w.up.weight.out});
  nn::linear(ctx, w.up, y, hidden, Epilogue::kGeluTanh);
  nn::linear(ctx, w.down, hidden, x, Epilogue::kGatedAdd, gate);
}

}  // namespace

void fill_text_keys(ops::Context& ctx, const BlockWeights& w, const TensorView& text,
                    const TextKeys& out) {
  nn::linear(ctx, w.cross_attn.k, text, out.k);
  nn::linear(ctx, w.cross_attn.v, text, out.v);
  ops::rms_norm(ctx, out.k, w.cross_attn.k_norm, kEps, out.k);
}

void block_forward(ops::Context& ctx, const BlockWeights& w, const StepInputs& step,
                   const TextKeys& text, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const TensorView y = scratch.make(ctx.compute, x.shape);
  const Modulation mod = modulate(w.modulation, step.time_mod, scratch);

  ops::layer_norm_modulate(ctx, x, mod.attn_scale, mod.attn_shift, kEps, y);
  self_attention(ctx, w.self_attn, y, step.rope, mod.attn_gate, x);

  ops::layer_norm(ctx, x, w.cross_norm_weight, w.cross_norm_bias, kEps, y);
  cross_attention(ctx, w.cross_attn, y, text, x);

  ops::layer_norm_modulate(ctx, x, mod.mlp_scale, mod.mlp_shift, kEps, y);
  feed_forward(ctx, w, y, mod.mlp_gate, x);
}

}  // namespace reel::wan_dit
