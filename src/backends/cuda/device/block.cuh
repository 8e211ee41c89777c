// SPDX-License-Identifier: Apache-2.0
// Sums and maxima over the threads of a block; every thread gets the result.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/warp.cuh"

namespace reel::cuda::device {

// `partial` is shared memory. It may be used again, by the next sum too, without a barrier.
// Adds lanes first, then warps in order: the same bits in every run.
template <int kThreads>
__device__ inline float block_sum(float value, float (&partial)[kThreads / kWarpSize]) {
  static_assert(kThreads % kWarpSize == 0 && kThreads <= 1024);
  value = warp_sum(value);
  if (lane() == 0) partial[warp_in_block()] = value;
  sync_block();
  float sum = partial[0];
#pragma unroll
  for (int warp = 1; warp < kThreads / kWarpSize; ++warp) sum += partial[warp];
  sync_block();
  return sum;
}

// As block_sum(), the largest of magnitudes; NaN where a thread has one.
template <int kThreads>
__device__ inline float block_amax(float value, float (&partial)[kThreads / kWarpSize]) {
  static_assert(kThreads % kWarpSize == 0 && kThreads <= 1024);
  value = warp_amax(value);
  if (lane() == 0) partial[warp_in_block()] = value;
  sync_block();
  float largest = partial[0];
#pragma unroll
  for (int warp = 1; warp < kThreads / kWarpSize; ++warp)
    largest = numerics::larger_magnitude(largest, partial[warp]);
  sync_block();
  return largest;
}

}  // namespace reel::cuda::device
