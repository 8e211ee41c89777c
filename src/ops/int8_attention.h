// SPDX-License-Identifier: Apache-2.0
// Self-attention in 8 bits: INT8 q k^T of rotated queries and smoothed, rotated keys, f16 or e4m3
// values.
//
// Source: Zhang et al. 2024, arXiv:2411.10958 (SageAttention2), and for e4m3 values Zhang et al.
// 2025, arXiv:2505.21136 (SageAttention2++). Heads are 128 wide.
#pragma once

#include "core/tensor.h"
#include "ops/context.h"

namespace reel::ops {

// The keys and values of all rows, as int8_attention reads them.
struct Int8Keys {
  TensorView k, k_scales;  // [heads, padded rows, 128] i8; [heads, padded rows / 64, 4] f32
  TensorView v, v_mean;    // [heads, padded rows, 128] f16 or e4m3; [heads, 128] f32
  TensorView v_scales;     // [heads, 128] f32 of e4m3 values; or empty
  int64_t rows = 0;
};

// What turns a projection into queries or keys.
struct QkNorm {
  // [rows, width / 128] f32, from ops::linear; of a wider row when x holds some of its heads.
  TensorView sum_squares;
  TensorView weight;  // [width] f32
  float eps = 0;
  TensorView rope;  // [rows, 64, 2] f32, or empty
};

// Room for the keys of `rows` rows, and their values in kF16 or kF8E4M3.
Int8Keys make_int8_keys(Scratch& scratch, int64_t rows, int64_t heads, DType values);

// k = rope(norm(x)) less its mean, rotated and quantised. x [rows, heads * 128] f32, f16 or bf16.
void quantise_keys(Context& ctx, const TensorView& x, const QkNorm& norm, const Int8Keys& keys);

// v = x less its mean, in f16; or in e4m3 with a scale per channel.
void prepare_values(Context& ctx, const TensorView& x, const Int8Keys& keys);

// out = softmax(scale * rope(norm(q)) k^T) v for each head, over all keys.
//
//   q, out  [queries, heads * 128]  f32, f16 or bf16; out may be q
//
// Looks at the stop flag between chunks of queries. Throws kInvalidArgument when shapes disagree.
void int8_attention(Context& ctx, const TensorView& q, const QkNorm& norm, const Int8Keys& keys,
                    float scale, const TensorView& out);

}  // namespace reel::ops
