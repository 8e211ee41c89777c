// SPDX-License-Identifier: Apache-2.0
// The weights of the DiT as plain structs.
#pragma once

#include "memory/weight_source.h"
#include "nn/linear.h"

namespace reel::wan_dit {

struct AttentionWeights {
  nn::Linear q, k, v, out;
  TensorView q_norm, k_norm;  // [dim] f32
};

struct BlockWeights {
  TensorView modulation;  // [1, 6, dim] f32
  AttentionWeights self_attn;
  TensorView cross_norm_weight, cross_norm_bias;  // [dim] f32
  AttentionWeights cross_attn;
  nn::Linear up, down;
};

struct TopWeights {
  nn::Linear patch;
  nn::Linear head;
  TensorView head_modulation;  // [1, 2, dim] f32
};

struct SetupWeights {
  nn::Linear text_in, text_out;
  nn::Linear time_in, time_out, time_projection;
};

TopWeights bind_top(const memory::WeightSource& source);
SetupWeights bind_setup(const memory::WeightSource& source);
BlockWeights bind_block(const memory::WeightSource& source, int index);

}  // namespace reel::wan_dit
