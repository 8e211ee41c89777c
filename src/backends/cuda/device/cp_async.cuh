// SPDX-License-Identifier: Apache-2.0
// Copies from global to shared memory that run while the thread goes on.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace reel::cuda::device {

// Copies 16 bytes, past L1; both addresses are multiples of 16. When !valid the 16 bytes of shared
// memory become zero and `global` is not read. Until the wait for its group nobody may touch them.
__device__ inline void cp_async_16(void* shared, const void* global, bool valid = true) {
  const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const int bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(at), "l"(global), "r"(bytes)
               : "memory");
}

// Closes a group: the copies this thread started since the last commit. It may be empty.
__device__ inline void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most kPending of this thread's groups are still open. What other threads copied is
// visible only after a barrier that follows their wait.
template <int kPending>
__device__ inline void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace reel::cuda::device
