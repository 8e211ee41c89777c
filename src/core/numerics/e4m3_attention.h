// SPDX-License-Identifier: Apache-2.0
// 8-bit attention with e4m3 values: what every backend does alike.
//
// The product of weights and values multiplies e4m3 numbers and sums runs of 64 keys in f16, then
// in f32 (Zhang et al. 2025, arXiv:2505.21136, SageAttention2++). Both sides are kept so small that
// no run can leave f16: 64 * 448 * 2.25 = 64,512 < 65,504.
//
// Weights are powers of two of their logits less a row's maximum as it stands after each 32 keys
// (64 through wgmma, which sums in f32), times 448: the largest weight of a row is an e4m3 number
// itself, and those below 2^-18 of it are zero.
#pragma once

#include <cstdint>

#include "core/numerics/small_floats.h"

namespace reel::numerics {

constexpr int kE4M3KeyRun = 64;                 // keys summed in f16
constexpr int kE4M3MaximumRun = 32;             // keys after which maxima are followed
constexpr float kE4M3WeightShift = 8.8073549f;  // log2(448)
constexpr float kE4M3ValueMax = 2.25f;          // of a channel, after its scale
constexpr float kSmallestValueAmax = 1e-12f;    // of a channel of zeros

// v / scale is at most kE4M3ValueMax. NaN of NaN.
REEL_HOST_DEVICE inline float e4m3_value_scale(float amax) {
  return (amax < kSmallestValueAmax ? kSmallestValueAmax : amax) / kE4M3ValueMax;
}

// Where a value of `key` lies among the values [padded keys, 128] of a head: 16 keys at a time,
// channel by channel, keys of a channel in the order in which a lane of mma.sync has their weights:
// 0, 1, 8, 9, 2, 3, 10, 11 and so on.
REEL_HOST_DEVICE inline int64_t e4m3_value_at(int64_t key, int64_t channel) {
  const int64_t in_group = key % 16;
  const int64_t place = in_group % 8 / 2 * 4 + in_group / 8 * 2 + in_group % 2;
  return (key / 16 * 128 + channel) * 16 + place;
}

}  // namespace reel::numerics
