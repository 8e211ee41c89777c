// SPDX-License-Identifier: Apache-2.0
// What stands in for attention with e4m3 values through mma.sync where that has no tensor cores
// (9.0).
#pragma once

#include "ops/kernels.h"

namespace reel::bench {

// What replaces e4m3 in the second product. GeForce cards of 8.9 and 12.0 multiply e4m3 with f16
// sums at the rate of INT8.
enum class Twin {
  kInt8,  // of the same shape; leaves four registers of sums instead of two, for which there is
          // no room: some are spilled
  kF16,   // of half the depth: the same registers, and on a GPU with f16 at half of INT8's rate the
          // same time
};

// cuda::e4m3_attention() with another product, the loads and instructions around it being the same.
// For its time; the output is meaningless.
void attention_twin(Twin twin, const ops::Int8AttentionArgs& args, Stream stream);

}  // namespace reel::bench
