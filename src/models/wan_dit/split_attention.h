// SPDX-License-Identifier: Apache-2.0
// Self-attention of the Wan video DiT over the tokens of several ranks.
#pragma once

#include "core/tensor.h"
#include "models/wan_dit/self_attention.h"
#include "models/wan_dit/weights.h"
#include "nn/sequence_parallel.h"
#include "ops/context.h"

namespace reel::wan_dit {

// self_attention for x [own tokens, dim] f32 of every rank; `rope` [all tokens, head_dim / 2, 2]
// f32. Every rank projects its rows and attends, over all tokens, with its heads: what is summed,
// and in which order, is as on one rank.
void split_self_attention(ops::Context& ctx, const AttentionWeights& w, const Modulation& mod,
                          const TensorView& rope, const nn::SequenceParallel& split,
                          const TensorView& x);

}  // namespace reel::wan_dit
