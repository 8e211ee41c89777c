// SPDX-License-Identifier: Apache-2.0
#include "models/wan_dit/split_attention.h"

#include "models/wan_dit/row_chunks.h"
#include "ops/attention.h"
#include "ops/int8_attention.h"
#include "ops/norm.h"

namespace reel::wan_dit {
namespace {

using nn::SequenceParallel;
using ops::Epilogue;
using ops::Operand;

// Own heads of all tokens.
Shape shape_of_heads(const SequenceParallel& split) {
  return {split.tokens(), split.columns().count};
}

// x += gate * out(mixed), which every rank has of its heads.
void add_output(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                const SequenceParallel& split, const TensorView& mixed, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const TensorView sorted = split.make_sorted(scratch, ctx.compute);
  split.heads_to_rows(ctx, mixed, sorted);
  for_each_chunk(ctx, x.rows(), [&](int64_t row, int64_t rows) {
    ops::Scratch chunk{ctx};
    const TensorView part = chunk.make(ctx.compute, {rows, x.width()});
    split.unsort(ctx, sorted, row, part);
    nn::linear(ctx, w.out, part, x.slice(row, rows), Epilogue::kGatedAdd, mod.gate);
  });
}

void wide_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                    const TensorView& rope, const SequenceParallel& split, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const TensorView q = scratch.make(ctx.compute, shape_of_heads(split));
  const TensorView k = scratch.make(ctx.compute, q.shape);
  const TensorView v = scratch.make(ctx.compute, q.shape);
  {
    ops::Scratch inputs{ctx};
    const TensorView projected = inputs.make(ctx.compute, x.shape);
    const TensorView sorted = split.make_sorted(inputs, ctx.compute);
    const Operand y = ops::make_operand(ctx, inputs, x.shape, w.q.weight);
    ops::layer_norm_modulate(ctx, x, mod.scale, mod.shift, kEps, y);
    const TensorView own_rope = rope.slice(split.rows().begin, split.rows().count);
    const auto bring = [&](const nn::Linear& weight, const TensorView& norm,
                           const TensorView& out) {
      nn::linear(ctx, weight, y, projected);
      if (norm.data != nullptr) {
        ops::rms_norm_rope(ctx, projected, norm, kEps, own_rope, projected);
      }
      split.sort(ctx, projected, 0, sorted);
      split.rows_to_heads(ctx, sorted, out);
    };
    bring(w.q, w.q_norm, q);
    bring(w.k, w.k_norm, k);
    bring(w.v, {}, v);
  }
  const TensorView mixed = scratch.make(ctx.compute, q.shape);
  ops::attention(ctx, q, k, v, split.heads().count, kLogitScale, mixed);
  add_output(ctx, w, mod, split, mixed, x);
}

// What one rank brings of a projection that is normed after the exchange.
struct Brought {
  TensorView x;            // [all tokens, own columns] compute dtype
  TensorView sum_squares;  // [all tokens, all heads] f32: the norm is over the whole width
};

// Projects own rows, a chunk at a time, and gets own heads of all.
void bring(ops::Context& ctx, const nn::Linear& w, const Modulation& mod,
           const SequenceParallel& split, const TensorView& x, const Brought& to) {
  ops::Scratch scratch{ctx};
  const bool has_sums = to.sum_squares.data != nullptr;
  const TensorView sorted = split.make_sorted(scratch, ctx.compute);
  const TensorView sums = scratch.f32({x.rows(), x.width() / kHeadDim});
  for_each_chunk(ctx, x.rows(), [&](int64_t row, int64_t rows) {
    ops::Scratch chunk{ctx};
    const TensorView part = chunk.make(ctx.compute, {rows, x.width()});
    project(ctx, w, mod, x.slice(row, rows), part, has_sums ? sums.slice(row, rows) : TensorView{});
    split.sort(ctx, part, row, sorted);
  });
  split.rows_to_heads(ctx, sorted, to.x);
  if (has_sums) split.gather_rows(ctx, sums, to.sum_squares);
}

void int8_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                    const TensorView& rope, const SequenceParallel& split, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const ops::Int8Keys keys =
      ops::make_int8_keys(scratch, split.tokens(), split.heads().count, ctx.attention_values);
  const Brought in{.x = scratch.make(ctx.compute, shape_of_heads(split)),
                   .sum_squares = scratch.f32({split.tokens(), x.width() / kHeadDim})};
  const auto norm_of = [&](const TensorView& weight) {
    return ops::QkNorm{.sum_squares = in.sum_squares,
                       .weight = weight.slice(split.columns().begin, split.columns().count),
                       .eps = kEps,
                       .rope = rope};
  };
  bring(ctx, w.k, mod, split, x, in);
  ops::quantise_keys(ctx, in.x, norm_of(w.k_norm), keys);
  bring(ctx, w.v, mod, split, x, {.x = in.x, .sum_squares = {}});
  ops::prepare_values(ctx, in.x, keys);
  bring(ctx, w.q, mod, split, x, in);
  ops::int8_attention(ctx, in.x, norm_of(w.q_norm), keys, kLogitScale, in.x);
  add_output(ctx, w, mod, split, in.x, x);
}

}  // namespace

void split_self_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                          const TensorView& rope, const SequenceParallel& split,
                          const TensorView& x) {
  if (ctx.int8_attention) {
    int8_attention(ctx, w, mod, rope, split, x);
  } else {
    wide_attention(ctx, w, mod, rope, split, x);
  }
}

}  // namespace reel::wan_dit
