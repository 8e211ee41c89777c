// SPDX-License-Identifier: Apache-2.0
#include "models/wan_dit/self_attention.h"

#include "models/wan_dit/row_chunks.h"
#include "ops/attention.h"
#include "ops/int8_attention.h"
#include "ops/norm.h"

namespace reel::wan_dit {
namespace {

using ops::Epilogue;
using ops::Operand;

// x += gate * out(attention(q, k, v)) of y = norm(x) * (1 + scale) + shift.
void wide_self_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                         const TensorView& rope, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const TensorView q = scratch.make(ctx.compute, x.shape);
  const TensorView k = scratch.make(ctx.compute, x.shape);
  const TensorView v = scratch.make(ctx.compute, x.shape);
  {
    ops::Scratch inputs{ctx};
    const Operand y = ops::make_operand(ctx, inputs, x.shape, w.q.weight);
    ops::layer_norm_modulate(ctx, x, mod.scale, mod.shift, kEps, y);
    nn::linear(ctx, w.q, y, q);
    nn::linear(ctx, w.k, y, k);
    nn::linear(ctx, w.v, y, v);
  }
  ops::rms_norm_rope(ctx, q, w.q_norm, kEps, rope, q);
  ops::rms_norm_rope(ctx, k, w.k_norm, kEps, rope, k);
  const TensorView mixed = scratch.make(ctx.compute, x.shape);
  ops::attention(ctx, q, k, v, x.width() / kHeadDim, kLogitScale, mixed);
  nn::linear(ctx, w.out, mixed, x, Epilogue::kGatedAdd, mod.gate);
}

// wide_self_attention in 8 bits: keys and values of all rows first, then queries chunk by chunk.
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
        kLogitScale, q);
    nn::linear(ctx, w.out, q, part, Epilogue::kGatedAdd, mod.gate);
  });
}

}  // namespace

void project(ops::Context& ctx, const nn::Linear& w, const Modulation& mod, const TensorView& x,
             const TensorView& out, const TensorView& sum_squares) {
  for_each_chunk(ctx, x.rows(), [&](int64_t row, int64_t rows) {
    ops::Scratch scratch{ctx};
    const Operand y = ops::make_operand(ctx, scratch, {rows, x.width()}, w.weight);
    ops::layer_norm_modulate(ctx, x.slice(row, rows), mod.scale, mod.shift, kEps, y);
    nn::linear(ctx, w, y, out.slice(row, rows), Epilogue::kStore, {},
               sum_squares.data == nullptr ? TensorView{} : sum_squares.slice(row, rows));
  });
}

void self_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                    const TensorView& rope, const TensorView& x) {
  if (ctx.int8_attention) {
    int8_self_attention(ctx, w, mod, rope, x);
  } else {
    wide_self_attention(ctx, w, mod, rope, x);
  }
}

}  // namespace reel::wan_dit
