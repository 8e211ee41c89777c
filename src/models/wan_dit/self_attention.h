// SPDX-License-Identifier: Apache-2.0
// Self-attention of the Wan video DiT, all tokens on one rank.
#pragma once

#include <cmath>

#include "core/tensor.h"
#include "models/wan_dit/config.h"
#include "models/wan_dit/weights.h"
#include "ops/context.h"

namespace reel::wan_dit {

inline const float kLogitScale = 1.0f / std::sqrt(static_cast<float>(kHeadDim));

// By which the timestep steers one part of a block: y = norm(x) * (1 + scale) + shift goes in, and
// gate times the result is added. [dim] f32 each.
struct Modulation {
  TensorView shift, scale, gate;
};

// out = y of x through `w`, a chunk of rows at a time, with the sums of squares of `out` when there
// is room for them.
//
//   x            [rows, dim] f32
//   out          [rows, dim] compute dtype
//   sum_squares  [rows, heads] f32, or empty
void project(ops::Context& ctx, const nn::Linear& w, const Modulation& mod, const TensorView& x,
             const TensorView& out, const TensorView& sum_squares);

// Adds to x [tokens, dim] f32. `rope` [tokens, head_dim / 2, 2] f32.
void self_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                    const TensorView& rope, const TensorView& x);

}  // namespace reel::wan_dit
