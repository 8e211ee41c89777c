// SPDX-License-Identifier: Apache-2.0
// Keeps the compiler from computing numbers later.
#pragma once

namespace reel::cuda::device {

// Numbers that are used in one branch alone are else computed there, and what they are made of is
// kept in registers until then.
template <int kCount>
__device__ inline void compute_here(float (&numbers)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(numbers[i]));
}

}  // namespace reel::cuda::device
