// SPDX-License-Identifier: Apache-2.0
// A self-attention of random numbers, with weights as the reference kernels take them.
#pragma once

#include <cmath>

#include "models/wan_dit/self_attention.h"
#include "support/random_tensor.h"

namespace reel::test {

// All numbers of one attention.
class AttentionProblem {
 public:
  AttentionProblem(int64_t tokens, int64_t heads, DType compute)
      : dim_(heads * wan_dit::kHeadDim),
        q_(weight(compute, 1)),
        k_(weight(compute, 2)),
        v_(weight(compute, 3)),
        out_(weight(compute, 4)),
        q_norm_(vector(5)),
        k_norm_(vector(6)),
        shift_(vector(7)),
        scale_(vector(8)),
        gate_(vector(9)),
        rope_(random_tensor({tokens, wan_dit::kHeadDim / 2, 2}, DType::kF32, 10)),
        x_(random_tensor({tokens, dim_}, DType::kF32, 11)) {}

  wan_dit::AttentionWeights weights() const {
    return {.q = layer(q_),
            .k = layer(k_),
            .v = layer(v_),
            .out = layer(out_),
            .q_norm = q_norm_,
            .k_norm = k_norm_};
  }
  wan_dit::Modulation modulation() const {
    return {.shift = shift_, .scale = scale_, .gate = gate_};
  }
  const Tensor& rope() const { return rope_; }
  Tensor x() const { return copy_of(x_); }

 private:
  Tensor vector(uint64_t seed) const { return random_tensor({dim_}, DType::kF32, seed); }
  // Logits of a few units, so that the softmax is neither flat nor a choice.
  Tensor weight(DType dtype, uint64_t seed) const {
    const float most = 2 / std::sqrt(static_cast<float>(dim_));
    return random_tensor({dim_, dim_}, dtype, seed, -most, most);
  }
  nn::Linear layer(const Tensor& w) const {
    return {.weight = {.data = w.view().data, .dtype = w.dtype(), .out = dim_, .in = dim_},
            .bias = {}};
  }

  int64_t dim_;
  Tensor q_, k_, v_, out_, q_norm_, k_norm_, shift_, scale_, gate_, rope_, x_;
};

}  // namespace reel::test
