// SPDX-License-Identifier: Apache-2.0
// FP8 W8A8: e4m3 rows with one scale each, the same on every backend.
//
// A row x (a token, or an output channel of a weight) becomes q = e4m3(x / scale) with scale =
// max|x| / 448. Products sum q_x * q_w, which are exact in f16, bf16 and f32, in f32 and multiply
// the sum by both scales. That is the arithmetic of torch._scaled_mm with row-wise scales.
#pragma once

#include "core/numerics/small_floats.h"

namespace reel::numerics {

constexpr float kE4M3Max = 448.0f;
constexpr float kSmallestE4M3Amax = 1e-12f;  // of an all-zero row

// NaN of NaN.
REEL_HOST_DEVICE inline float e4m3_scale(float amax) {
  return (amax < kSmallestE4M3Amax ? kSmallestE4M3Amax : amax) / kE4M3Max;
}

// The bits of x * inverse_scale to the nearest e4m3fn number, ties to even, within -448..448.
REEL_HOST_DEVICE inline uint8_t quantise_e4m3(float x, float inverse_scale) {
  return float_to_f8_e4m3(x * inverse_scale);
}

}  // namespace reel::numerics
