// SPDX-License-Identifier: Apache-2.0
// Arithmetic of two f16 numbers in a word, each rounded once to nearest.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace reel::cuda::device {

// a - b.
__device__ inline uint32_t subtract_f16x2(uint32_t a, uint32_t b) {
  uint32_t d;
  asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
  return d;
}

// a * b + c.
__device__ inline uint32_t fma_f16x2(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t d;
  asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

}  // namespace reel::cuda::device
