// SPDX-License-Identifier: Apache-2.0
// Attention to so few keys that those of a head fit in shared memory.
#pragma once

#include "ops/kernels.h"

namespace reel::cuda {

inline constexpr int kMostFewKeys = 144;

bool fits_few_keys_attention(const ops::AttentionArgs& args);

// As attention(), for what fits. out may be q.
void few_keys_attention(const ops::AttentionArgs& args, Stream stream);

}  // namespace reel::cuda
