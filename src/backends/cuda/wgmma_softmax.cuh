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
#include "core/numerics/e4m3_attention.h"
#include "core/numerics/small_floats.h"

namespace reel::cuda::wgmma_attention_tile {

inline constexpr int kDim = ops::kInt8HeadDim;
inline constexpr int kTileKeys = 64;
static_assert(kTileKeys == ops::kInt8KeyTile, "a lane has one scale of a tile");
inline constexpr int kLogits = kTileKeys / 2;  // of a lane

using Sums = int32_t[kLogits];

// What weights and values are. Weights are at most 2^(kShift + kSlack); a row's maximum is followed
// when it grew by more than the latter. Packed as the left side of products.
struct F16 {
  static constexpr float kShift = cuda::kShift;
  static constexpr float kSlack = cuda::kSlack;
  using Weights = float[kLogits];  // until the product before is done with the packed ones
  using Packed = uint32_t[kTileKeys / 16][4];
  static constexpr int kPackedSets = 1;
};
// Followed at once: the largest weight is a number of e4m3.
struct E4M3 {
  static constexpr float kShift = numerics::kE4M3WeightShift;
  static constexpr float kSlack = 0;
  using Packed = uint32_t[kTileKeys / 32][4];
  using Weights = Packed;
  static constexpr int kPackedSets = 2;
};

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

template <typename Kind>
__device__ __forceinline__ bool grew_to(float seen, float largest) {
  if constexpr (Kind::kSlack == 0) return seen > largest;
  return seen > largest + Kind::kSlack;
}

// Follows maxima that grew by more than the slack, and tells whether one of the warp did: what was
// summed before must then be multiplied with `factor`, 1 for rows whose maximum stays.
template <typename Kind>
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
    seen[half] = static_cast<float>(max(largest[0], largest[1])) * (rows.scale[half] * k_scale);
    grew |= grew_to<Kind>(seen[half], rows.largest[half]);
  }
  if (!device::vote_any(grew)) return false;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float largest = largest_of_quad(seen[half]);
    const float before = rows.largest[half];
    const float now = grew_to<Kind>(largest, before) ? largest : before;
    factor[half] = device::exp2_approx(before - now);
    rows.largest[half] = now;
    rows.total[half] *= factor[half];
  }
  return true;
}

// The weights of a tile; adds them to the totals, in the order of the keys. kMasked: after
// mask_logits().
template <bool kMasked>
__device__ __forceinline__ void weigh(const Sums& sums, float k_scale, Rows& rows,
                                      F16::Weights& weights) {
  float factor[2];
  float offset[2];
  float total[2] = {};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    factor[half] = rows.scale[half] * k_scale;
    offset[half] = fmaf(-kFloatOffset, factor[half], F16::kShift - rows.largest[half]);
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

// Not with kFloatOffset in one multiply-add: where logits are in the hundreds its rounding would
// make the largest weight more than 448, which the total would then count whole.
template <bool kMasked>
__device__ __forceinline__ void weigh(const Sums& sums, float k_scale, Rows& rows,
                                      E4M3::Weights& weights) {
  float factor[2];
  float offset[2];
  float total[2] = {};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    factor[half] = rows.scale[half] * k_scale;
    offset[half] = E4M3::kShift - rows.largest[half];
  }
#pragma unroll
  for (int group = 0; group < kTileKeys / 16; ++group) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      uint32_t pairs[2];
#pragma unroll
      for (int block = 0; block < 2; ++block) {
        float weight[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int32_t sum = sums[8 * group + 4 * block + 2 * half + i];
          const float exact =
              kMasked ? numerics::float_of(static_cast<uint32_t>(sum + kFloatZero)) - kFloatOffset
                      : static_cast<float>(sum);
          weight[i] = device::exp2_approx(fmaf(exact, factor[half], offset[half]));
          total[half] = group + block + i == 0 ? weight[i] : total[half] + weight[i];
        }
        pairs[block] = device::pack_e4m3x2(weight[0], weight[1]);
      }
      weights[group / 2][group % 2 * 2 + half] = pairs[0] | pairs[1] << 16;
    }
  }
  rows.total[0] += total[0];
  rows.total[1] += total[1];
}

// Of one kind: a copy.
template <int kSteps>
__device__ __forceinline__ void pack_weights(const uint32_t (&weights)[kSteps][4],
                                             uint32_t (&packed)[kSteps][4]) {
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
#pragma unroll
    for (int at = 0; at < 4; ++at) packed[step][at] = weights[step][at];
  }
}

__device__ __forceinline__ void pack_weights(const F16::Weights& weights, F16::Packed& packed) {
#pragma unroll
  for (int at = 0; at < kLogits; at += 2) {
    const int block = at / 4;
    packed[block / 2][at / 2 % 2 + block % 2 * 2] =
        device::pack_f16x2(weights[at], weights[at + 1]);
  }
}

}  // namespace reel::cuda::wgmma_attention_tile
