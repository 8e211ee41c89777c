// SPDX-License-Identifier: Apache-2.0
// A load of products for tensor cores, on registers alone: what mma_rate() of limits.h times.
#pragma once

#include "backends/cuda/limits.h"

namespace reel::cuda {

inline constexpr int kMmaThreads = 256;  // of a block
inline constexpr int kMmaBlocks = 2;     // of a multiprocessor
inline constexpr int kMmaChains = 8;     // independent sums of a warp: no product waits for another

// Every warp adds the product of its two random matrices `rounds` times to each of kMmaChains
// sums. out: f32 [blocks * kMmaThreads], what a thread holds of its warp's sums, added up; s8 as
// s32 that wraps. Throws kDeviceFailure.
void run_mma_rounds(Mma mma, int rounds, int blocks, float* out);

}  // namespace reel::cuda
