// SPDX-License-Identifier: Apache-2.0
// The weights of one encoder layer as a plain struct.
#pragma once

#include "memory/weight_source.h"
#include "nn/linear.h"

namespace reel::umt5 {

struct LayerWeights {
  TensorView attn_norm;      // [dim] f32
  nn::Linear q, k, v, out;   // no biases anywhere in T5
  TensorView relative_bias;  // [32, heads] f32
  TensorView ffn_norm;       // [dim] f32
  nn::Linear gate, up, down;
};

LayerWeights bind_layer(const memory::WeightSource& source, int index);

}  // namespace reel::umt5
