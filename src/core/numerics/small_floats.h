// SPDX-License-Identifier: Apache-2.0
// The bits of bf16, f16, e4m3fn and e5m2 numbers, and how f32 is rounded to them.
//
// All conversions to a smaller format round to nearest, ties to even. e4m3fn and e5m2 saturate
// to their largest finite value, as PyTorch's quantisers do after their clamp.
#pragma once

#include <cstdint>

#include "core/numerics/host_device.h"

namespace reel::numerics {

REEL_HOST_DEVICE inline uint32_t bits_of(float value) {
  union {
    float f;
    uint32_t u;
  } both;
  both.f = value;
  return both.u;
}

REEL_HOST_DEVICE inline float float_of(uint32_t bits) {
  union {
    uint32_t u;
    float f;
  } both;
  both.u = bits;
  return both.f;
}

// The larger of a magnitude and |x|, and NaN once there was one: its bits are the largest. A row
// with a NaN thereby gets a NaN for its scale; a comparison of floats would pass over it.
REEL_HOST_DEVICE inline float larger_magnitude(float magnitude, float x) {
  const uint32_t so_far = bits_of(magnitude);
  const uint32_t bits = bits_of(x) & 0x7fffffffu;
  return float_of(so_far > bits ? so_far : bits);
}

REEL_HOST_DEVICE inline float bf16_to_float(uint16_t bits) {
  return float_of(static_cast<uint32_t>(bits) << 16);
}

REEL_HOST_DEVICE inline uint16_t float_to_bf16(float value) {
  const uint32_t bits = bits_of(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

REEL_HOST_DEVICE inline float f16_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return float_of(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return float_of(sign | ((exponent + 112) << 23) | (mantissa << 13));
  // Subnormal: mantissa * 2^-24, exact in f32.
  const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;
  return float_of(sign | bits_of(magnitude));
}

// Rounds `magnitude_bits` (a finite, non-negative f32) to a format with `mantissa_bits` and the
// exponent bias `bias`; subnormals included. The result may exceed the format's largest value.
REEL_HOST_DEVICE inline uint32_t round_magnitude(uint32_t magnitude_bits, int mantissa_bits,
                                                 int bias) {
  const int exponent = static_cast<int>(magnitude_bits >> 23) - 127;
  int shift = 23 - mantissa_bits;
  const int smallest = 1 - bias;
  uint32_t mantissa = magnitude_bits & 0x7fffffu;
  if (exponent >= smallest) {
    const uint32_t packed = (static_cast<uint32_t>(exponent + bias) << 23) | mantissa;
    return (packed + (1u << (shift - 1)) - 1u + ((packed >> shift) & 1u)) >> shift;
  }
  shift += smallest - exponent;
  if (shift > 24) return 0;  // below half of the smallest subnormal
  mantissa |= 0x800000u;
  return (mantissa + (1u << (shift - 1)) - 1u + ((mantissa >> shift) & 1u)) >> shift;
}

REEL_HOST_DEVICE inline uint16_t float_to_f16(float value) {
  const uint32_t bits = bits_of(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // >= 65520
  return static_cast<uint16_t>(sign | round_magnitude(magnitude, 10, 15));
}

REEL_HOST_DEVICE inline float f8_e4m3_to_float(uint8_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x80u) << 24;
  const uint32_t exponent = (bits >> 3) & 0xfu;
  const uint32_t mantissa = bits & 0x7u;
  if (exponent == 0xf && mantissa == 7) return float_of(sign | 0x7fc00000u);
  if (exponent != 0) return float_of(sign | ((exponent + 120) << 23) | (mantissa << 20));
  return float_of(sign | bits_of(static_cast<float>(mantissa) * 0.001953125f));  // 2^-9
}

REEL_HOST_DEVICE inline uint8_t float_to_f8_e4m3(float value) {
  const uint32_t bits = bits_of(value);
  const uint8_t sign = static_cast<uint8_t>((bits >> 24) & 0x80u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint8_t>(sign | 0x7fu);
  if (magnitude >= 0x43e00000u) return static_cast<uint8_t>(sign | 0x7eu);  // >= 448
  return static_cast<uint8_t>(sign | round_magnitude(magnitude, 3, 7));
}

REEL_HOST_DEVICE inline float f8_e5m2_to_float(uint8_t bits) {
  return f16_to_float(static_cast<uint16_t>(static_cast<uint16_t>(bits) << 8));
}

REEL_HOST_DEVICE inline uint8_t float_to_f8_e5m2(float value) {
  const uint32_t bits = bits_of(value);
  const uint8_t sign = static_cast<uint8_t>((bits >> 24) & 0x80u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint8_t>(sign | 0x7eu);
  if (magnitude >= 0x47600000u) return static_cast<uint8_t>(sign | 0x7bu);  // >= 57344
  return static_cast<uint8_t>(sign | round_magnitude(magnitude, 2, 15));
}

// A bf16 number that converts like a built-in type.
struct BF16 {
  uint16_t bits;

  BF16() = default;
  REEL_HOST_DEVICE explicit BF16(float value) : bits(float_to_bf16(value)) {}
  REEL_HOST_DEVICE operator float() const { return bf16_to_float(bits); }  // NOLINT
};

// The same for f16.
struct Half {
  uint16_t bits;

  Half() = default;
  REEL_HOST_DEVICE explicit Half(float value) : bits(float_to_f16(value)) {}
  REEL_HOST_DEVICE operator float() const { return f16_to_float(bits); }  // NOLINT
};

}  // namespace reel::numerics

namespace reel {
using BF16 = numerics::BF16;
using Half = numerics::Half;
}  // namespace reel
