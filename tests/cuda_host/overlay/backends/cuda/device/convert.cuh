// SPDX-License-Identifier: Apache-2.0
// Conversions on the CPU: those of core/numerics, which round as the hardware does.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/numerics/small_floats.h"

namespace reel::cuda::device {

inline float f16_to_f32(uint16_t bits) { return numerics::f16_to_float(bits); }
inline uint16_t f32_to_f16(float value) { return numerics::float_to_f16(value); }
inline float bf16_to_f32(uint16_t bits) { return numerics::bf16_to_float(bits); }
inline uint16_t f32_to_bf16(float value) { return numerics::float_to_bf16(value); }

inline uint32_t pack_f16x2(float lo, float hi) {
  return f32_to_f16(lo) | static_cast<uint32_t>(f32_to_f16(hi)) << 16;
}
inline uint32_t pack_bf16x2(float lo, float hi) {
  return f32_to_bf16(lo) | static_cast<uint32_t>(f32_to_bf16(hi)) << 16;
}
inline void unpack_f16x2(uint32_t both, float& lo, float& hi) {
  lo = f16_to_f32(static_cast<uint16_t>(both & 0xffffu));
  hi = f16_to_f32(static_cast<uint16_t>(both >> 16));
}
inline void unpack_bf16x2(uint32_t both, float& lo, float& hi) {
  lo = bf16_to_f32(static_cast<uint16_t>(both & 0xffffu));
  hi = bf16_to_f32(static_cast<uint16_t>(both >> 16));
}

inline uint16_t pack_e4m3x2(float lo, float hi) {
  return static_cast<uint16_t>(numerics::float_to_f8_e4m3(lo) | numerics::float_to_f8_e4m3(hi)
                                                                    << 8);
}
inline uint32_t e4m3x2_to_f16x2(uint16_t both) {
  return pack_f16x2(numerics::f8_e4m3_to_float(static_cast<uint8_t>(both & 0xffu)),
                    numerics::f8_e4m3_to_float(static_cast<uint8_t>(both >> 8)));
}

}  // namespace reel::cuda::device
