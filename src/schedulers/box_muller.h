// SPDX-License-Identifier: Apache-2.0
// Two uniform numbers -> two normal ones, without branches, so that loops over it vectorise.
//
// log, sin and cos are the single-precision polynomials of Cephes (Moshier 1989), accurate to
// about 2 units in the last place on the ranges that Box-Muller needs.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace reel::schedulers {

struct NormalPair {
  float sine;    // r * sin(angle)
  float cosine;  // r * cos(angle)
};

// ln u for u in (0, 1], normal numbers only.
inline float log_of_uniform(float u) {
  // u = 2^exponent * m with m in [sqrt(1/2), sqrt(2))
  constexpr int32_t kSqrtHalf = 0x3f3504f3;
  const int32_t shifted = std::bit_cast<int32_t>(u) - kSqrtHalf;
  const float exponent = static_cast<float>(shifted >> 23);
  const float x = std::bit_cast<float>((shifted & 0x7fffff) + kSqrtHalf) - 1.0f;
  const float x2 = x * x;
  float p = 7.0376836292e-2f;
  p = p * x - 1.1514610310e-1f;
  p = p * x + 1.1676998740e-1f;
  p = p * x - 1.2420140846e-1f;
  p = p * x + 1.4249322787e-1f;
  p = p * x - 1.6668057665e-1f;
  p = p * x + 2.0000714765e-1f;
  p = p * x - 2.4999993993e-1f;
  p = p * x + 3.3333331174e-1f;
  // ln 2 in two parts, the first short enough that its product is exact.
  const float low = p * x * x2 + exponent * -2.12194440e-4f - 0.5f * x2;
  return (x + low) + exponent * 0.693359375f;
}

// r * (sin, cos)(angle) with r = sqrt(-2 ln u); u in (0, 1], angle in [0, 2 pi].
inline NormalPair box_muller(float u, float angle) {
  const float r = std::sqrt(-2.0f * log_of_uniform(u));
  const float quarters = angle * 0.63661977236f + 0.5f;
  const auto quarter = static_cast<int32_t>(quarters);
  const float turns = static_cast<float>(quarter);
  // pi/2 in three parts, so that what remains keeps all its bits.
  const float x =
      ((angle - turns * 1.5703125f) - turns * 4.837512969970703e-4f) - turns * 7.54978995489e-8f;
  const float z = x * x;
  const float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * x + x;
  const float c =
      ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z -
      0.5f * z + 1.0f;
  // Odd quarters swap sine and cosine; the sign is bit 1 of the quarter, for cosine of the next.
  const uint32_t swap = 0u - (static_cast<uint32_t>(quarter) & 1u);
  const uint32_t s_bits = std::bit_cast<uint32_t>(s);
  const uint32_t c_bits = std::bit_cast<uint32_t>(c);
  const uint32_t sine_sign = (static_cast<uint32_t>(quarter) & 2u) << 30;
  const uint32_t cosine_sign = (static_cast<uint32_t>(quarter + 1) & 2u) << 30;
  return {r * std::bit_cast<float>(((s_bits & ~swap) | (c_bits & swap)) ^ sine_sign),
          r * std::bit_cast<float>(((c_bits & ~swap) | (s_bits & swap)) ^ cosine_sign)};
}

}  // namespace reel::schedulers
