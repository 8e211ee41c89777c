// SPDX-License-Identifier: Apache-2.0
// Self-attention with INT8 q k^T and e4m3 values, whose products are summed in f16 over 64 keys and
// then in f32 (core/numerics/e4m3_attention.h). GeForce cards of 8.9 and 12.0 multiply so at four
// times the rate of f16 with f32 sums, and the values take half the shared memory and traffic.
//
// The logits are those of int8_attention.cu. A maximum is followed at once, not with a slack: the
// largest weight of a row is then 448 and has no rounding error, which in peaky rows is a quarter
// of all error.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/rounding.cuh"
#include "backends/cuda/kernels.h"
#include "backends/cuda/mma_attention_loop.cuh"
#include "core/numerics/e4m3_attention.h"

namespace reel::cuda::e4m3_attention_tile {

using namespace mma_attention_tile;  // NOLINT

constexpr int kGroupKeys = 16;  // whose values lie channel by channel
constexpr int kGroupBytes = kGroupKeys * kDim;
static_assert(kTileKeys == numerics::kE4M3MaximumRun && kGroupKeys == kChunk);

// Product is E4M3Product but in benchmarks.
template <typename Product>
struct Values {
  static constexpr int kTiles = numerics::kE4M3KeyRun / kTileKeys;
  static constexpr int kStages = 3;
  static constexpr int kTileBytes = kTileKeys * kDim;
  static constexpr bool kScaled = true;
  static constexpr bool kMasks = true;
  using Weights = uint32_t[kRowTiles][kTiles][4];  // e4m3, as the left side of a product

  // Eight channels of 16 keys are 128 bytes in a row: ldmatrix meets every bank once as they lie.
  __device__ static int place(int at) { return at; }
  __device__ static int lane_in_values();
  __device__ static float logit_scale(float scale) { return scale; }
  __device__ static void weigh(WarpState& warp, int tile, const Part& part, Logits& sums,
                               const float (&factor)[2], const LaneBytes& values, Weights& weights);
  __device__ static void multiply(WarpState& warp, const LaneBytes& values, const Weights& weights);

 private:
  __device__ static void change_maxima(WarpState& warp, int tile, const Part& part, Logits& sums,
                                       const float (&factor)[2], const LaneBytes& values,
                                       Weights& weights);
  __device__ static void multiply_first(WarpState& warp, int tile, const bool (&grew)[2],
                                        const LaneBytes& values, Weights& weights);
};

// In 32 keys and 16 channels. Matrices 0, 1: eight channels of 16 keys and of the next 16; 2, 3:
// the next eight channels.
template <typename Product>
__device__ inline int Values<Product>::lane_in_values() {
  const int matrix = device::lane() / 8;
  return matrix % 2 * kGroupBytes + (matrix / 2 * 8 + device::lane() % 8) * kGroupKeys;
}

// `seen` are of rows, not of lanes.
__device__ inline void follow_maxima(WarpState& warp, int tile, const float (&seen)[2]) {
  float factor[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float before = warp.largest[tile][half];
    const float now = fmaxf(before, seen[half]);
    factor[half] = device::exp2_approx(before - now);
    warp.largest[tile][half] = now;
    warp.total[tile][half] *= factor[half];
  }
#pragma unroll
  for (auto& sums : warp.out[tile]) {
#pragma unroll
    for (int at = 0; at < 4; ++at) sums[at] *= factor[at / 2];
  }
}

// The exponent of a weight is sum * factor + offset: one instruction, whose offset has kFloatOffset
// in it and is rounded. Above kMostRoundedFactor kFloatOffset is taken from the sums before.
//
// No exponent is above kE4M3WeightShift, or the largest weight would be more than 448, which the
// total would count whole: maxima are rounded up, offsets down.
__device__ inline float offset_of(float zero, float factor, float largest) {
  return device::fma_down(-zero, factor,
                          device::subtract_down(numerics::kE4M3WeightShift, largest));
}

// Weights are added to the totals before they are rounded. What is rare is behind one branch: else
// the search for maxima does not mix with the products before it.
template <typename Product>
__device__ inline void Values<Product>::weigh(WarpState& warp, int tile, const Part& part,
                                              Logits& sums, const float (&factor)[2],
                                              const LaneBytes& values, Weights& weights) {
  float seen[2];
  largest_sums(sums, tile, seen);
  float offset[2];
  bool rare = part.keys < kTileKeys;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    rare |= device::multiply_up(seen[half], factor[half]) > warp.largest[tile][half] ||
            factor[half] > kMostRoundedFactor;
    offset[half] = offset_of(kFloatOffset, factor[half], warp.largest[tile][half]);
  }
  if (device::vote_any(rare)) {
    change_maxima(warp, tile, part, sums, factor, values, weights);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const bool large = factor[half] > kMostRoundedFactor;
      offset[half] = offset_of(large ? 0.0f : kFloatOffset, factor[half], warp.largest[tile][half]);
      const float zero = large ? kFloatOffset : 0.0f;
#pragma unroll
      for (auto& block : sums[tile]) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          int32_t& sum = block[2 * half + i];
          sum = static_cast<int32_t>(
              numerics::bits_of(numerics::float_of(static_cast<uint32_t>(sum)) - zero));
        }
      }
    }
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    uint32_t pairs[kTileKeys / 8];
#pragma unroll
    for (int block = 0; block < kTileKeys / 8; ++block) {
      float weight[2];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const auto bits = static_cast<uint32_t>(sums[tile][block][2 * half + i]);
        weight[i] = device::exp2_approx(fmaf(numerics::float_of(bits), factor[half], offset[half]));
        warp.total[tile][half] += weight[i];
      }
      pairs[block] = device::pack_e4m3x2(weight[0], weight[1]);
    }
#pragma unroll
    for (int group = 0; group < kTileKeys / kGroupKeys; ++group) {
      weights[tile][part.index][half + 2 * group] = pairs[2 * group] | pairs[2 * group + 1] << 16;
    }
  }
}

// Masks the sums, and moves the maxima of 16 rows that grew.
template <typename Product>
__device__ inline void Values<Product>::change_maxima(WarpState& warp, int tile, const Part& part,
                                                      Logits& sums, const float (&factor)[2],
                                                      const LaneBytes& values, Weights& weights) {
  if (part.keys < kTileKeys) mask_logits(sums, tile, part.keys);
  float seen[2];
  largest_sums(sums, tile, seen);
  bool grew[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    seen[half] = largest_of_quad(device::multiply_up(seen[half], factor[half]));
    grew[half] = seen[half] > warp.largest[tile][half];
  }
  if (!device::vote_any(grew[0] || grew[1])) return;
  if (part.index > 0) multiply_first(warp, tile, grew, values, weights);
  follow_maxima(warp, tile, seen);
}

// d += a b, in f16: what the kernel multiplies values with.
struct E4M3Product {
  __device__ static void multiply(uint32_t (&d)[2], const uint32_t (&a)[4],
                                  const uint32_t (&b)[2]) {
    device::mma_e4m3_f16(d, a, b);
  }
};

__device__ inline void add_f16_sums(const uint32_t (&sums)[2], float (&out)[4]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float lo, hi;
    device::unpack_f16x2(sums[half], lo, hi);
    out[2 * half] += lo;
    out[2 * half + 1] += hi;
  }
}

// Of those of 16 rows whose maxima grew, what was weighed below the old ones: the first 32 keys,
// which then have no weight. Rows do not look at each other: a row has the same bits in whatever
// tile it is.
template <typename Product>
__device__ inline void Values<Product>::multiply_first(WarpState& warp, int tile,
                                                       const bool (&grew)[2],
                                                       const LaneBytes& values, Weights& weights) {
  static_assert(kTiles == 2);
#pragma unroll
  for (int pair = 0; pair < kDim / 16; ++pair) {
    uint32_t v[4];
    device::ldmatrix_x4(v, values.block + values.at + pair * 16 * kGroupKeys);
    const uint32_t columns[2][2] = {{v[0], v[1]}, {v[2], v[3]}};
#pragma unroll
    for (int block = 0; block < 2; ++block) {
      uint32_t sums[2] = {};
      Product::multiply(sums, weights[tile][0], columns[block]);
#pragma unroll
      for (int half = 0; half < 2; ++half) sums[half] = grew[half] ? sums[half] : 0;
      add_f16_sums(sums, warp.out[tile][2 * pair + block]);
    }
  }
#pragma unroll
  for (int four = 0; four < 4; ++four) {
    if (grew[four % 2]) weights[tile][0][four] = 0;
  }
}

template <typename Product>
__device__ inline void Values<Product>::multiply(WarpState& warp, const LaneBytes& values,
                                                 const Weights& weights) {
#pragma unroll
  for (int pair = 0; pair < kDim / 16; ++pair) {
    uint32_t sums[kRowTiles][2][2] = {};
#pragma unroll
    for (int part = 0; part < kTiles; ++part) {
      uint32_t v[4];
      device::ldmatrix_x4(v, values.block + values.at + part * kTileBytes + pair * 16 * kGroupKeys);
      const uint32_t columns[2][2] = {{v[0], v[1]}, {v[2], v[3]}};
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
        for (int block = 0; block < 2; ++block) {
          Product::multiply(sums[tile][block], weights[tile][part], columns[block]);
        }
      }
    }
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int block = 0; block < 2; ++block) {
        add_f16_sums(sums[tile][block], warp.out[tile][2 * pair + block]);
      }
    }
  }
}

}  // namespace reel::cuda::e4m3_attention_tile
