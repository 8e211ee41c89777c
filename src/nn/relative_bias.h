// SPDX-License-Identifier: Apache-2.0
// T5's learned bias by relative position.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace reel::nn {

// The bucket of `relative` = key - query, bidirectional, 32 buckets, distances up to 128.
// Source: Raffel et al. 2020, arXiv:1910.10683; Wan 2.1, wan/modules/t5.py,
// T5RelativeEmbedding._relative_position_bucket.
int64_t relative_bucket(int64_t relative);

// Spreads table [32, heads] f32 into out [heads, 2 tokens - 1] f32: entry key - query + tokens - 1.
void fill_relative_bias(const TensorView& table, int64_t tokens, const TensorView& out);

}  // namespace reel::nn
