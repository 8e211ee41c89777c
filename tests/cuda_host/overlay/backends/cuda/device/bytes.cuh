// SPDX-License-Identifier: Apache-2.0
// What rows of 8-bit numbers are made with, on the CPU.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/numerics/small_floats.h"

namespace reel::cuda::device {

inline float larger_magnitude(float magnitude, float x) {
  return numerics::larger_magnitude(magnitude, x);
}

inline uint32_t lowest_bytes(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return (a & 0xffu) | (b & 0xffu) << 8 | (c & 0xffu) << 16 | (d & 0xffu) << 24;
}

inline void transpose_bytes(uint32_t (&x)[4]) {
  uint32_t y[4] = {};
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) y[i] |= (x[j] >> (8 * i) & 0xffu) << (8 * j);
  }
  for (int i = 0; i < 4; ++i) x[i] = y[i];
}

inline float byte_above_2_23(uint32_t word, int index) {
  return static_cast<float>(0x800000u + (word >> (8 * index) & 0xffu));
}

inline uint32_t two_bytes_above_1024(uint32_t word, int index) {
  const uint32_t both = word >> (8 * index) & 0xffffu;
  return 0x64006400u | (both & 0xffu) | (both & 0xff00u) << 8;
}

}  // namespace reel::cuda::device
