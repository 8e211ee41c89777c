// SPDX-License-Identifier: Apache-2.0
// The softmax of wgmma_attention_tile.cuh: weights of the logits of 16 rows and 64 keys, by a warp.
// Lane l has the rows l / 4 and l / 4 + 8; number 4 j + 2 h + i is of row h and key 8 j + 2 (l % 4)
// + i. Inlined by force: arrays must stay in registers.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/math.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/int8_softmax.cuh"
#include "core/numerics/small_floats.h"

namespace reel::cuda::wgmma_attention_tile {

inline constexpr int kDim = ops::kInt8HeadDim;
inline constexpr int kTileKeys = 64;
static_assert(kTileKeys == ops::kInt8KeyTile, "a lane has one scale of a tile");
inline constexpr int kLogits = kTileKeys / 2;  // of a lane

using Sums = int32_t[kLogits];
using Weights = float[kLogits];
using PackedWeights = uint32_t[kTileKeys / 16][4];  // f16, as the left side of products

// Of a lane's two rows.
struct Rows {
  float scale[2];    // of q, of logits in base 2
  float largest[2];  // of the logits, up to kSlack below it
  float total[2];    // of this lane's weights
};

// Gives keys from `count` on no weight.
__device__ __forceinline__ void mask_logits(Sums& sums, int count) {
#pragma unroll
  for (int at = 0; at < kLogits; ++at) {
    const int key = 8 * (at / 4) + 2 * (device::lane() % 4) + at % 2;
    if (key >= count) sums[at] = kMinusInfinity - kFloatZero;
  }
}

// Follows maxima that grew by more than the slack, and tells whether one of the warp did: what was
// summed before must then be multiplied with `factor`, 1 for rows whose maximum stays.
__device__ __forceinline__ bool follow_maxima(const Sums& sums, float k_scale, Rows& rows,
                                              float (&factor)[2]) {
  float seen[2];
  bool grew = false;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int32_t largest[2] = {sums[2 * half], sums[2 * half + 1]};
#pragma unroll
    for (int at = 2 * half + 4; at < kLogits; at += 4) {
      largest[0] = max(largest[0], sums[at]);
      largest[1] = max(largest[1], sums[at + 1]);
    }
    const auto bits = static_cast<uint32_t>(max(largest[0], largest[1]) + kFloatZero);
    seen[half] = (numerics::float_of(bits) - kFloatOffset) * (rows.scale[half] * k_scale);
    grew |= seen[half] > rows.largest[half] + kSlack;
  }
  if (!device::vote_any(grew)) return false;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float largest = largest_of_quad(seen[half]);
    const float before = rows.largest[half];
    const float now = largest > before + kSlack ? largest : before;
    factor[half] = device::exp2_approx(before - now);
    rows.largest[half] = now;
    rows.total[half] *= factor[half];
  }
  return true;
}

// The weights of a tile; adds them to the totals, in the order of the keys.
__device__ __forceinline__ void weigh(const Sums& sums, float k_scale, Rows& rows,
                                      Weights& weights) {
  float factor[2];
  float offset[2];
  float total[2] = {};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    factor[half] = rows.scale[half] * k_scale;
    offset[half] = fmaf(-kFloatOffset, factor[half], kShift - rows.largest[half]);
  }
#pragma unroll
  for (int at = 0; at < kLogits; ++at) {
    const int half = at / 2 % 2;
    const auto bits = static_cast<uint32_t>(sums[at] + kFloatZero);
    weights[at] = device::exp2_approx(fmaf(numerics::float_of(bits), factor[half], offset[half]));
    total[half] += weights[at];
  }
  rows.total[0] += total[0];
  rows.total[1] += total[1];
}

__device__ __forceinline__ void pack_weights(const Weights& weights, PackedWeights& packed) {
#pragma unroll
  for (int at = 0; at < kLogits; at += 2) {
    const int block = at / 4;
    packed[block / 2][at / 2 % 2 + block % 2 * 2] =
        device::pack_f16x2(weights[at], weights[at + 1]);
  }
}

}  // namespace reel::cuda::wgmma_attention_tile
