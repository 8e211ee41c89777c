// SPDX-License-Identifier: Apache-2.0
// Waiting for the other threads of a block or a warp.
#pragma once

#include <cuda_runtime.h>

namespace reel::cuda::device {

// Every thread of the block must reach the same call; none may have returned. Shared and global
// memory written before it can be read after it.
__device__ inline void sync_block() { __syncthreads(); }

// The same for the 32 threads of a warp.
__device__ inline void sync_warp() { __syncwarp(); }

// The same for kThreads threads, whole warps, which alone use barrier `number`, 1 to 15.
template <int kThreads>
__device__ inline void sync_part(int number) {
  static_assert(kThreads % 32 == 0);
  asm volatile("bar.sync %0, %1;" ::"r"(number), "n"(kThreads) : "memory");
}

}  // namespace reel::cuda::device
