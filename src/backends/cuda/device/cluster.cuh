// SPDX-License-Identifier: Apache-2.0
// Blocks that run together and reach each other's shared memory (capability 9.0).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace reel::cuda::device {

__device__ inline uint32_t block_in_cluster() {
  uint32_t block;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(block));
  return block;
}

// Every thread of the cluster that has not returned must reach the same call.
__device__ inline void sync_cluster() {
  asm volatile(
      "barrier.cluster.arrive.release.aligned;\n"
      "barrier.cluster.wait.acquire.aligned;" ::
          : "memory");
}

}  // namespace reel::cuda::device
