// SPDX-License-Identifier: Apache-2.0
// Barriers in shared memory that count arrivals and the bytes of copies (capability 9.0; PTX ISA,
// "mbarrier").
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace reel::cuda::device {

// A phase ends when the expected threads have arrived and the expected bytes are there; then the
// next begins. Phases are told apart by their parity: 0 for the first.
using Mbarrier = uint64_t;

__device__ inline uint32_t shared_address(const void* shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

// One thread, before anyone else touches it; others see it after mbarrier_publish() and a barrier.
__device__ inline void mbarrier_init(Mbarrier& barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&barrier)),
               "r"(arrivals)
               : "memory");
}
__device__ inline void mbarrier_publish() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

// Arrives, and lets the phase wait for `bytes` of copies more.
__device__ inline void mbarrier_arrive_expecting(Mbarrier& barrier, uint32_t bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(&barrier)),
      "r"(bytes)
      : "memory");
}

// Arrives at the same barrier of block `block` of the cluster. Orders what the copy engine and
// wgmma read and write; ordinary accesses only within the block (.release.cluster would: it is a
// fence of all memory, a thousand clocks).
__device__ inline void mbarrier_arrive_at(Mbarrier& barrier, uint32_t block) {
  asm volatile(
      "{\n"
      ".reg .b32 there;\n"
      "mapa.shared::cluster.u32 there, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [there];\n"
      "}" ::"r"(shared_address(&barrier)),
      "r"(block)
      : "memory");
}

// Until the phase of that parity has ended.
__device__ inline void mbarrier_wait(Mbarrier& barrier, uint32_t parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again_%=:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@!done bra again_%=;\n"
      "}" ::"r"(shared_address(&barrier)),
      "r"(parity)
      : "memory");
}

}  // namespace reel::cuda::device
