// SPDX-License-Identifier: Apache-2.0
#include "models/wan_dit/block.h"

#include "models/wan_dit/config.h"
#include "models/wan_dit/row_chunks.h"
#include "models/wan_dit/self_attention.h"
#include "models/wan_dit/split_attention.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/norm.h"

namespace reel::wan_dit {
namespace {

using ops::Epilogue;
using ops::Operand;

// The six per-channel vectors that let the timestep steer a block.
struct BlockModulation {
  Modulation attn, mlp;
};

BlockModulation modulate(ops::Context& ctx, const TensorView& learned, const TensorView& from_time,
                         ops::Scratch& scratch) {
  const TensorView sum = scratch.f32(from_time.shape);  // [6, dim]
  ops::add(ctx, learned.reshaped(sum.shape), from_time, sum);
  return {.attn = {sum.slice(0, 1), sum.slice(1, 1), sum.slice(2, 1)},
          .mlp = {sum.slice(3, 1), sum.slice(4, 1), sum.slice(5, 1)}};
}

// x += out(attention(q, text)): the one branch the timestep does not modulate.
void cross_attention(ops::Context& ctx, const BlockWeights& block, const TextKeys& text,
                     const TensorView& x) {
  const AttentionWeights& w = block.cross_attn;
  for_each_chunk(ctx, x.rows(), [&](int64_t row, int64_t rows) {
    ops::Scratch scratch{ctx};
    const TensorView part = x.slice(row, rows);
    const TensorView q = scratch.make(ctx.compute, part.shape);
    {
      ops::Scratch inputs{ctx};
      const Operand y = ops::make_operand(ctx, inputs, part.shape, w.q.weight);
      ops::layer_norm(ctx, part, block.cross_norm_weight, block.cross_norm_bias, kEps, y);
      nn::linear(ctx, w.q, y, q);
    }
    ops::rms_norm(ctx, q, w.q_norm, kEps, q);
    const TensorView mixed = scratch.make(ctx.compute, part.shape);
    ops::attention(ctx, q, text.k, text.v, x.width() / kHeadDim, kLogitScale, mixed,
                   {.per_key = text.key_bias, .relative = {}});
    nn::linear(ctx, w.out, mixed, part, Epilogue::kAdd);
  });
}

// x += gate * down(gelu(up(y))) of y = norm(x) * (1 + scale) + shift.
void feed_forward(ops::Context& ctx, const BlockWeights& w, const Modulation& mod,
                  const TensorView& x) {
  for_each_chunk(ctx, x.rows(), [&](int64_t row, int64_t rows) {
    ops::Scratch scratch{ctx};
    const TensorView part = x.slice(row, rows);
    const TensorView hidden = scratch.make(ctx.compute, {rows, w.up.weight.out});
    {
      ops::Scratch inputs{ctx};
      const Operand y = ops::make_operand(ctx, inputs, part.shape, w.up.weight);
      ops::layer_norm_modulate(ctx, part, mod.scale, mod.shift, kEps, y);
      nn::linear(ctx, w.up, y, hidden, Epilogue::kGeluTanh);
    }
    nn::linear(ctx, w.down, hidden, part, Epilogue::kGatedAdd, mod.gate);
  });
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
  const BlockModulation mod = modulate(ctx, w.modulation, step.time_mod, scratch);
  if (step.split != nullptr) {
    split_self_attention(ctx, w.self_attn, mod.attn, step.rope, *step.split, x);
  } else {
    self_attention(ctx, w.self_attn, mod.attn, step.rope, x);
  }
  if (step.after_part) step.after_part("self-attention");
  cross_attention(ctx, w, text, x);
  if (step.after_part) step.after_part("cross-attention");
  feed_forward(ctx, w, mod.mlp, x);
  if (step.after_part) step.after_part("feed-forward network");
}

}  // namespace reel::wan_dit
