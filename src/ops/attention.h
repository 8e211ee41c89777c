// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention.
#pragma once

#include "core/tensor.h"
#include "ops/context.h"

namespace reel::ops {

struct AttentionBias {
  TensorView per_key;  // [keys] f32 added to every logit of a key, or empty
  TensorView
      relative;  // [heads, queries + keys - 1] f32, entry key - query + queries - 1, or empty
};

// out = softmax(scale * q k^T + bias) v for each head.
//
//   q    [queries, heads * head_dim]  f32, f16 or bf16, the dtype of all four
//   k v  [keys, heads * head_dim]
//   out  [queries, heads * head_dim]  may not alias
//
// Numerics: logits, softmax and sums in f32. Keys are at least 1.
// Looks at the stop flag between chunks of queries. Throws kInvalidArgument when shapes disagree.
void attention(Context& ctx, const TensorView& q, const TensorView& k, const TensorView& v,
               int64_t heads, float scale, const TensorView& out, const AttentionBias& bias = {});

// out[head, at] = table[buckets[at], head]: a table of learned biases, seen by distance.
//
//   table    [buckets, heads]  f32
//   buckets  [n]               i32, each below the table's rows (the caller makes sure)
//   out      [heads, n]        f32
void expand_bias(Context& ctx, const TensorView& table, const TensorView& buckets,
                 const TensorView& out);

}  // namespace reel::ops
