// SPDX-License-Identifier: Apache-2.0
// What rows of 8-bit numbers are made with, an instruction each.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace reel::cuda::device {

// numerics::larger_magnitude(), but for the bits of a NaN.
__device__ inline float larger_magnitude(float magnitude, float x) {
  float larger;
  asm("{\n"
      ".reg .f32 t;\n"
      "abs.f32 t, %2;\n"
      "max.NaN.f32 %0, %1, t;\n"
      "}"
      : "=f"(larger)
      : "f"(magnitude), "f"(x));
  return larger;
}

// The lowest byte of each, `a` lowest: the order of four neighbours in memory.
__device__ inline uint32_t lowest_bytes(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return __byte_perm(__byte_perm(a, b, 0x0040), __byte_perm(c, d, 0x0040), 0x5410);
}

// Byte i of word j becomes byte j of word i.
__device__ inline void transpose_bytes(uint32_t (&x)[4]) {
  const uint32_t a = __byte_perm(x[0], x[1], 0x5140);
  const uint32_t b = __byte_perm(x[2], x[3], 0x5140);
  const uint32_t c = __byte_perm(x[0], x[1], 0x7362);
  const uint32_t d = __byte_perm(x[2], x[3], 0x7362);
  x[0] = __byte_perm(a, b, 0x5410);
  x[1] = __byte_perm(a, b, 0x7632);
  x[2] = __byte_perm(c, d, 0x5410);
  x[3] = __byte_perm(c, d, 0x7632);
}

// 2^23 + byte `index` of the word: an integer to f32 without the unit that converts, which has a
// quarter of the rate.
__device__ inline float byte_above_2_23(uint32_t word, int index) {
  return __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7650u + static_cast<uint32_t>(index)));
}

// 1024 + bytes `index` and `index` + 1 of the word, as f16 numbers.
__device__ inline uint32_t two_bytes_above_1024(uint32_t word, int index) {
  return __byte_perm(
      word, 0x64u,
      0x4040u + static_cast<uint32_t>(index) + (static_cast<uint32_t>(index + 1) << 8));
}

}  // namespace reel::cuda::device
