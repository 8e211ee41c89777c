// SPDX-License-Identifier: Apache-2.0
// Atomics whose result does not depend on the order of threads. There is none for sums of floats.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace reel::cuda::device {

// Both return what was there before. In global or shared memory.
__device__ inline int32_t atomic_max(int32_t* at, int32_t value) { return atomicMax(at, value); }
__device__ inline int32_t atomic_add(int32_t* at, int32_t value) { return atomicAdd(at, value); }

// Neither *at nor `value` is negative: the bits of such floats are ordered like integers. A NaN is
// larger than every number, so it is kept.
__device__ inline void atomic_max_positive(float* at, float value) {
  atomicMax(reinterpret_cast<int*>(at), __float_as_int(value));
}

}  // namespace reel::cuda::device
