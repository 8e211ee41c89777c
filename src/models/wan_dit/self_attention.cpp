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

// Room for the rows that keys and values are made of: in the memory of the values, which are
// written last, where they are no smaller.
Operand make_key_input(ops::Context& ctx, ops::Scratch& scratch, const Shape& shape,
                       const MatrixView& weight, const TensorView& values) {
  const DType dtype = ops::operand_dtype(ctx, weight);
  if (block_bytes(dtype) > block_bytes(values.dtype)) {
    return ops::make_operand(ctx, scratch, shape, weight);
  }
  const TensorView rows{values.data, dtype, shape};
  return {rows, has_row_scales(dtype) ? scratch.f32({shape.rows()}) : TensorView{}};
}

// Keys and values of all rows, from rows that are normed once.
void make_keys(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
               const TensorView& rope, const TensorView& x, const ops::Int8Keys& keys) {
  ops::Scratch scratch{ctx};
  const TensorView projected = scratch.make(ctx.compute, x.shape);
  const TensorView sums = scratch.f32({x.rows(), x.width() / kHeadDim});
  const Operand y = make_key_input(ctx, scratch, x.shape, w.k.weight, keys.v);
  ops::layer_norm_modulate(ctx, x, mod.scale, mod.shift, kEps, y);
  nn::linear(ctx, w.k, y, projected, Epilogue::kStore, {}, sums);
  ops::quantise_keys(ctx, projected,
                     {.sum_squares = sums, .weight = w.k_norm, .eps = kEps, .rope = rope}, keys);
  nn::linear(ctx, w.v, y, projected);
  ops::prepare_values(ctx, projected, keys);
}

// wide_self_attention in 8 bits: keys and values of all rows first, then queries chunk by chunk.
void int8_self_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                         const TensorView& rope, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const int64_t heads = x.width() / kHeadDim;
  const ops::Int8Keys keys = ops::make_int8_keys(scratch, x.rows(), heads, ctx.attention_values);
  make_keys(ctx, w, mod, rope, x, keys);
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
