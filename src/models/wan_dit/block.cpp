// SPDX-License-Identifier: Apache-2.0
#include "models/wan_dit/block.h"

#include <algorithm>
#include <cmath>

#include "models/wan_dit/config.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/int8_attention.h"
#include "ops/norm.h"

namespace reel::wan_dit {
namespace {

using ops::Epilogue;
using ops::Operand;

const float kScale = 1.0f / std::sqrt(static_cast<float>(kHeadDim));

// The six per-channel vectors that let the timestep steer a block. [dim] f32 each.
struct Modulation {
  TensorView attn_shift, attn_scale, attn_gate;
  TensorView mlp_shift, mlp_scale, mlp_gate;
};

Modulation modulate(ops::Context& ctx, const TensorView& learned, const TensorView& from_time,
                    ops::Scratch& scratch) {
  const TensorView sum = scratch.f32(from_time.shape);  // [6, dim]
  ops::add(ctx, learned.reshaped(sum.shape), from_time, sum);
  return {sum.slice(0, 1), sum.slice(1, 1), sum.slice(2, 1),
          sum.slice(3, 1), sum.slice(4, 1), sum.slice(5, 1)};
}

// Calls part(first row, rows) for ctx.row_chunk rows at a time.
template <typename Part>
void for_each_chunk(const ops::Context& ctx, int64_t rows, Part part) {
  const int64_t chunk = ctx.row_chunk > 0 ? ctx.row_chunk : rows;
  for (int64_t row = 0; row < rows; row += chunk) part(row, std::min(chunk, rows - row));
}

// x += gate * out(attention(q, k, v)) of y = norm(x) * (1 + scale) + shift.
void self_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                    const TensorView& rope, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const TensorView q = scratch.make(ctx.compute, x.shape);
  const TensorView k = scratch.make(ctx.compute, x.shape);
  const TensorView v = scratch.make(ctx.compute, x.shape);
  {
    ops::Scratch inputs{ctx};
    const Operand y = ops::make_operand(ctx, inputs, x.shape, w.q.weight);
    ops::layer_norm_modulate(ctx, x, mod.attn_scale, mod.attn_shift, kEps, y);
    nn::linear(ctx, w.q, y, q);
    nn::linear(ctx, w.k, y, k);
    nn::linear(ctx, w.v, y, v);
  }
  ops::rms_norm_rope(ctx, q, w.q_norm, kEps, rope, q);
  ops::rms_norm_rope(ctx, k, w.k_norm, kEps, rope, k);
  const TensorView mixed = scratch.make(ctx.compute, x.shape);
  ops::attention(ctx, q, k, v, x.width() / kHeadDim, kScale, mixed);
  nn::linear(ctx, w.out, mixed, x, Epilogue::kGatedAdd, mod.attn_gate);
}

// y = norm(x) * (1 + scale) + shift through `w`, a chunk of rows at a time.
void project(ops::Context& ctx, const nn::Linear& w, const Modulation& mod, const TensorView& x,
             const TensorView& out, const TensorView& sum_squares) {
  for_each_chunk(ctx, x.rows(), [&](int64_t row, int64_t rows) {
    ops::Scratch scratch{ctx};
    const Operand y = ops::make_operand(ctx, scratch, {rows, x.width()}, w.weight);
    ops::layer_norm_modulate(ctx, x.slice(row, rows), mod.attn_scale, mod.attn_shift, kEps, y);
    nn::linear(ctx, w, y, out.slice(row, rows), Epilogue::kStore, {},
               sum_squares.data == nullptr ? TensorView{} : sum_squares.slice(row, rows));
  });
}

// self_attention in 8 bits: keys and values of all rows first, then queries chunk by chunk.
void int8_self_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                         const TensorView& rope, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const int64_t heads = x.width() / kHeadDim;
  const ops::Int8Keys keys = ops::make_int8_keys(scratch, x.rows(), heads, ctx.attention_values);
  {
    ops::Scratch inputs{ctx};
    const TensorView projected = inputs.make(ctx.compute, x.shape);
    const TensorView sums = inputs.f32({x.rows(), heads});
    project(ctx, w.k, mod, x, projected, sums);
    ops::quantise_keys(ctx, projected,
                       {.sum_squares = sums, .weight = w.k_norm, .eps = kEps, .rope = rope}, keys);
    project(ctx, w.v, mod, x, projected, {});
    ops::prepare_values(ctx, projected, keys);
  }
  for_each_chunk(ctx, x.rows(), [&](int64_t row, int64_t rows) {
    ops::Scratch chunk{ctx};
    const TensorView part = x.slice(row, rows);
    const TensorView q = chunk.make(ctx.compute, part.shape);
    const TensorView sums = chunk.f32({rows, heads});
    project(ctx, w.q, mod, part, q, sums);
    ops::int8_attention(
        ctx, q,
        {.sum_squares = sums, .weight = w.q_norm, .eps = kEps, .rope = rope.slice(row, rows)}, keys,
        kScale, q);
    nn::linear(ctx, w.out, q, part, Epilogue::kGatedAdd, mod.attn_gate);
  });
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
    ops::attention(ctx, q, text.k, text.v, x.width() / kHeadDim, kScale, mixed,
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
      ops::layer_norm_modulate(ctx, part, mod.mlp_scale, mod.mlp_shift, kEps, y);
      nn::linear(ctx, w.up, y, hidden, Epilogue::kGeluTanh);
    }
    nn::linear(ctx, w.down, hidden, part, Epilogue::kGatedAdd, mod.mlp_gate);
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
  const Modulation mod = modulate(ctx, w.modulation, step.time_mod, scratch);
  if (ctx.int8_attention) {
    int8_self_attention(ctx, w.self_attn, mod, step.rope, x);
  } else {
    self_attention(ctx, w.self_attn, mod, step.rope, x);
  }
  if (step.after_part) step.after_part("self-attention");
  cross_attention(ctx, w, text, x);
  if (step.after_part) step.after_part("cross-attention");
  feed_forward(ctx, w, mod, x);
  if (step.after_part) step.after_part("feed-forward network");
}

}  // namespace reel::wan_dit
