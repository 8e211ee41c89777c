// SPDX-License-Identifier: Apache-2.0
// Conversions between f32 and the bits of smaller floats. Down: to nearest, ties to even.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/numerics/small_floats.h"

namespace reel::cuda::device {

__device__ inline float f16_to_f32(uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

// Above 65504 + 16: infinity.
__device__ inline uint16_t f32_to_f16(float value) {
  uint16_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

__device__ inline float bf16_to_f32(uint16_t bits) {
  return __uint_as_float(static_cast<uint32_t>(bits) << 16);
}

__device__ inline uint16_t f32_to_bf16(float value) {
  uint16_t bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

// `lo` in bits 0 to 15: the order of two neighbours in memory.
__device__ inline uint32_t pack_f16x2(float lo, float hi) {
  uint32_t both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(hi), "f"(lo));
  return both;
}

__device__ inline uint32_t pack_bf16x2(float lo, float hi) {
  uint32_t both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(hi), "f"(lo));
  return both;
}

__device__ inline void unpack_f16x2(uint32_t both, float& lo, float& hi) {
  lo = f16_to_f32(static_cast<uint16_t>(both & 0xffffu));
  hi = f16_to_f32(static_cast<uint16_t>(both >> 16));
}

__device__ inline void unpack_bf16x2(uint32_t both, float& lo, float& hi) {
  lo = __uint_as_float(both << 16);
  hi = __uint_as_float(both & 0xffff0000u);
}

// e4m3fn, saturating to 448; `lo` in bits 0 to 7. In software below capability 8.9.
__device__ inline uint16_t pack_e4m3x2(float lo, float hi) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  uint16_t both;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(both) : "f"(hi), "f"(lo));
  return both;
#else
  return static_cast<uint16_t>(numerics::float_to_f8_e4m3(lo) | numerics::float_to_f8_e4m3(hi)
                                                                    << 8);
#endif
}

// Exact: every e4m3fn number is an f16 number. Returns two f16.
__device__ inline uint32_t e4m3x2_to_f16x2(uint16_t both) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  uint32_t halves;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(halves) : "h"(both));
  return halves;
#else
  return pack_f16x2(numerics::f8_e4m3_to_float(static_cast<uint8_t>(both & 0xffu)),
                    numerics::f8_e4m3_to_float(static_cast<uint8_t>(both >> 8)));
#endif
}

}  // namespace reel::cuda::device
