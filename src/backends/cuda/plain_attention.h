// SPDX-License-Identifier: Apache-2.0
// Attention by plain sums.
#pragma once

#include "ops/kernels.h"

namespace reel::cuda {

// As attention(), for heads of up to 512 columns; throws kUnsupported beyond.
void plain_attention(const ops::AttentionArgs& args, Stream stream);

}  // namespace reel::cuda
