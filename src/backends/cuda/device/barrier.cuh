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

}  // namespace reel::cuda::device
