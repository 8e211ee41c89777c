// SPDX-License-Identifier: Apache-2.0
// What the kernels of 8-bit self-attention share: INT32 sums that are floats as they stand, and
// rows held by four lanes.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/shuffle.cuh"
#include "core/numerics/small_floats.h"
#include "ops/kernels.h"

namespace reel::cuda {

// The bits of kFloatOffset = 1.5 * 2^23: an integer added to them is that float plus the integer,
// as |q k| <= 127 * 127 * 128 < 2^22.
inline constexpr int32_t kFloatZero = 0x4b400000;
inline constexpr float kFloatOffset = 12582912.0f;
inline constexpr float kNoMaximum = -1e30f;  // before the first key
// The bits of minus infinity, whose weight is 0; smaller than any sum as an integer, too.
inline constexpr auto kMinusInfinity = static_cast<int32_t>(0xff800000u);

// With f32 sums, weights relative to a row's maximum are at most 2^kShift, so that small ones keep
// their precision in f16. The maximum is only followed when it grew by more than kSlack, in base 2:
// weights are then at most 2^(kShift + kSlack), which f16 holds.
inline constexpr float kShift = 8.0f;
inline constexpr float kSlack = 6.0f;

// Logits are sum * scale - kFloatOffset * scale in one multiply-add. With a scale of 22 bits, and a
// maximum that is a whole number, its last term is exact below 2^24; else it would be rounded to
// half a step of the INT32 sums, another half for other scales.
__device__ inline float short_scale(float scale) {
  return numerics::float_of((numerics::bits_of(scale) + 2) & ~3u);
}

__device__ inline float largest_of_quad(float value) {
  value = fmaxf(value, device::shuffle_xor(value, 1));
  return fmaxf(value, device::shuffle_xor(value, 2));
}

__device__ inline float total_of_quad(float value) {
  value += device::shuffle_xor(value, 1);
  return value + device::shuffle_xor(value, 2);
}

// Two neighbours, stored at once.
template <typename T>
struct alignas(2 * sizeof(T)) Pair {
  T at[2];
};

}  // namespace reel::cuda
