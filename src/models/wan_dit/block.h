// SPDX-License-Identifier: Apache-2.0
// One transformer block of the Wan video DiT.
#pragma once

#include <functional>

#include "core/tensor.h"
#include "models/wan_dit/weights.h"
#include "nn/sequence_parallel.h"
#include "ops/context.h"

namespace reel::wan_dit {

// The text as one block's cross-attention sees it. Keys and values depend on the prompt alone, so
// they are made once per prompt.
struct TextKeys {
  TensorView k, v;      // [keys, dim] compute dtype
  TensorView key_bias;  // [keys] f32: ln(n) for a key that stands for n equal rows of padding
};

// What every block of one denoising step shares.
struct StepInputs {
  TensorView time_mod;  // [6, dim] f32, from the timestep embedding
  TensorView rope;      // [tokens, head_dim / 2, 2] f32; of all ranks' tokens when they are split
  // After each part of a block, with its name: "self-attention".
  std::function<void(const char*)> after_part = {};
  // How the tokens are split over ranks; null for one rank.
  const nn::SequenceParallel* split = nullptr;
};

// k and v of `text` [keys, dim] (compute dtype) under the block's weights.
void fill_text_keys(ops::Context& ctx, const BlockWeights& w, const TensorView& text,
                    const TextKeys& out);

// Applies block `w` to the residual stream `x` [tokens, dim] f32, in place; with a split to this
// rank's tokens, while the other ranks do so with theirs.
//
// Source: Wan 2.1, wan/modules/model.py, class WanAttentionBlock.
void block_forward(ops::Context& ctx, const BlockWeights& w, const StepInputs& step,
                   const TextKeys& text, const TensorView& x);

}  // namespace reel::wan_dit
