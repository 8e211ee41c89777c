// SPDX-License-Identifier: Apache-2.0
// T5's learned bias by relative position.
#pragma once

#include <cstdint>

#include "core/buffer.h"

namespace reel::nn {

// The bucket of `relative` = key - query, bidirectional, 32 buckets, distances up to 128.
// Source: Raffel et al. 2020, arXiv:1910.10683; Wan 2.1, wan/modules/t5.py,
// T5RelativeEmbedding._relative_position_bucket.
int64_t relative_bucket(int64_t relative);

// [2 tokens - 1] i32: the bucket of key - query at entry key - query + tokens - 1, what
// ops::expand_bias spreads a table [32, heads] by.
Tensor relative_buckets(int64_t tokens);

}  // namespace reel::nn
