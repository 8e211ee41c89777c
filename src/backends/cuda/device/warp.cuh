// SPDX-License-Identifier: Apache-2.0
// Sums and maxima over the lanes of a warp; every lane gets the result.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "core/numerics/small_floats.h"

namespace reel::cuda::device {

// Adds in the order of a butterfly: the same bits in every lane and every run.
__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int mask = kWarpSize / 2; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}

// Of magnitudes, whose bits are ordered like them; NaN where a lane has one.
__device__ inline float warp_amax(float value) {
  return numerics::float_of(largest_of_warp(numerics::bits_of(value)));
}

__device__ inline float warp_max(float value) {
#pragma unroll
  for (int mask = kWarpSize / 2; mask > 0; mask /= 2) {
    value = fmaxf(value, shuffle_xor(value, mask));
  }
  return value;
}

}  // namespace reel::cuda::device
