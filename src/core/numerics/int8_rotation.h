// SPDX-License-Identifier: Apache-2.0
// Rotated INT8: the arithmetic of 8-bit matrix products. A backend may sum in another order, which
// moves numbers near a tie (docs/NUMERICS.md).
//
// A row of length K is cut into blocks of 128; each block x becomes H x / sqrt(128) with the
// 128-point Hadamard matrix H, which spreads outliers over the block. H is symmetric and
// H H = 128, so rotating both operands leaves their product unchanged. The row is then quantised
// with one scale: q = round(x / scale), scale = max|x| / 127. Products sum q_x * q_w in INT32,
// exactly, and multiply the sum by both scales.
//
// Source: Ashkboos et al. 2024, arXiv:2404.00456 (QuaRot).
#pragma once

#include <cstdint>

#include "core/numerics/host_device.h"

namespace reel::numerics {

constexpr int kRotationBlock = 128;
constexpr float kRotationScale = 0.08838834764831845f;  // 1 / sqrt(128)
constexpr float kInt8Max = 127.0f;
constexpr float kSmallestAmax = 1e-12f;  // of an all-zero row

// In place on one block. The order of the stages is part of the last bit.
REEL_HOST_DEVICE inline void rotate_block(float* x) {
  for (int half = 1; half < kRotationBlock; half *= 2) {
    for (int at = 0; at < kRotationBlock; ++at) {
      if ((at & half) != 0) continue;
      const float a = x[at];
      const float b = x[at + half];
      x[at] = a + b;
      x[at + half] = a - b;
    }
  }
  for (int at = 0; at < kRotationBlock; ++at) x[at] *= kRotationScale;
}

// NaN of NaN.
REEL_HOST_DEVICE inline float int8_scale(float amax) {
  return (amax < kSmallestAmax ? kSmallestAmax : amax) / kInt8Max;
}

// x * inverse_scale to the nearest integer, ties to even, within -127..127; 127 of NaN.
REEL_HOST_DEVICE inline int8_t quantise_int8(float x, float inverse_scale) {
  // Adding and taking away 1.5 * 2^23 rounds in the current mode.
  constexpr float kRound = 12582912.0f;
  float q = x * inverse_scale;
  q = q < kInt8Max ? q : kInt8Max;
  q = q < -kInt8Max ? -kInt8Max : q;
  return static_cast<int8_t>((q + kRound) - kRound);
}

}  // namespace reel::numerics
