// SPDX-License-Identifier: Apache-2.0
#include "models/umt5/encoder.h"

#include "base/error.h"
#include "models/binding/binder.h"
#include "models/umt5/names.h"
#include "models/umt5/weights.h"
#include "nn/relative_bias.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/norm.h"

namespace reel::umt5 {
namespace {

using ops::Epilogue;

// x += out(attention(rms(x)))
void attention_forward(ops::Context& ctx, const LayerWeights& w, int64_t heads,
                       const TensorView& x) {
  ops::Scratch scratch{ctx};
  const int64_t tokens = x.rows();
  const Shape wide{tokens, w.q.weight.out};
  const TensorView y = scratch.make(ctx.compute, x.shape);
  const TensorView q = scratch.make(ctx.compute, wide);
  const TensorView k = scratch.make(ctx.compute, wide);
  const TensorView v = scratch.make(ctx.compute, wide);
  const TensorView mixed = scratch.make(ctx.compute, wide);
  const TensorView bias = scratch.f32({heads, 2 * tokens - 1});
  const Tensor buckets = nn::relative_buckets(tokens);
  ops::rms_norm(ctx, x, w.attn_norm, kEps, y);
  nn::linear(ctx, w.q, y, q);
  nn::linear(ctx, w.k, y, k);
  nn::linear(ctx, w.v, y, v);
  ops::expand_bias(ctx, w.relative_bias, scratch.upload(buckets), bias);
  ops::attention(ctx, q, k, v, heads, 1.0f, mixed, {.per_key = {}, .relative = bias});
  nn::linear(ctx, w.out, mixed, x, Epilogue::kAdd);
}

// x += down(gelu(gate(rms(x))) * up(rms(x)))
void feed_forward(ops::Context& ctx, const LayerWeights& w, const TensorView& x) {
  ops::Scratch scratch{ctx};
  const Shape wide{x.rows(), w.gate.weight.out};
  const TensorView y = scratch.make(ctx.compute, x.shape);
  const TensorView gate = scratch.make(ctx.compute, wide);
  const TensorView up = scratch.make(ctx.compute, wide);
  ops::rms_norm(ctx, x, w.ffn_norm, kEps, y);
  nn::linear(ctx, w.gate, y, gate);
  nn::linear(ctx, w.up, y, up);
  ops::gated_gelu(ctx, gate, up, gate);
  nn::linear(ctx, w.down, gate, x, Epilogue::kAdd);
}

}  // namespace

Tensor Encoder::encode(ops::Context& ctx, std::span<const int32_t> ids,
                       const std::function<void(int)>& on_layer) {
  REEL_REQUIRE(!ids.empty(), kInvalidArgument, "There are no token ids to encode.");
  for (const int32_t id : ids) {
    REEL_REQUIRE(
        id >= 0 && id < config_.vocab, kInvalidArgument,
        str_cat("Token id ", id, " is outside the encoder's vocabulary of ", config_.vocab, '.'),
        "The tokenizer belongs to another text encoder.");
  }
  const checkpoint::NameUnit unit = top_unit();
  const models::Binder top{weights_.fixed(), unit};
  const auto tokens = static_cast<int64_t>(ids.size());
  Tensor result(DType::kF32, {tokens, config_.dim}, "the text states");
  weights_.fixed().gather_rows(top.name(kTop, kEmbedding), ids, result);
  ops::Scratch scratch{ctx};
  const TensorView states = scratch.upload(result);
  for (int index = 0; index < config_.layers; ++index) {
    ctx.stop.check();
    const LayerWeights w = bind_layer(weights_.acquire(index, ctx.stream), index);
    attention_forward(ctx, w, config_.heads, states);
    feed_forward(ctx, w, states);
    if (on_layer) on_layer(index + 1);
  }
  ops::rms_norm(ctx, states, top.tensor(kTop, kFinalNorm), kEps, states);
  ctx.memory.download(result.view().data, states.data, static_cast<size_t>(states.size_bytes()),
                      ctx.stream);
  return result;
}

}  // namespace reel::umt5
