// SPDX-License-Identifier: Apache-2.0
// Self-attention with INT8 q k^T and e4m3 values, whose products are summed in f16 over 32 keys and
// then in f32 (core/numerics/e4m3_attention.h). GeForce cards of 8.9 and 12.0 multiply so at four
// times the rate of f16 with f32 sums, and the values take half the shared memory and traffic.
//
// The logits are those of int8_attention.cu. A maximum is followed at once, not with a slack: the
// largest weight of a row is then 448 and has no rounding error, which in peaky rows is a quarter
// of all error.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/mma_attention_loop.cuh"
#include "core/numerics/e4m3_attention.h"

namespace reel::cuda::e4m3_attention_tile {

using namespace mma_attention_tile;  // NOLINT

constexpr int kGroupKeys = 16;  // whose values lie channel by channel
constexpr int kGroupBytes = kGroupKeys * kDim;
static_assert(kTileKeys == numerics::kE4M3KeyRun && kGroupKeys == kChunk);

// Product is E4M3Product but in benchmarks.
template <typename Product>
struct Values {
  static constexpr int kTileBytes = kTileKeys * kDim;
  static constexpr bool kScaled = true;
  using Weights = uint32_t[kRowTiles][4];  // e4m3, as the left side of a product

  // Eight channels of 16 keys are 128 bytes in a row: ldmatrix meets every bank once as they lie.
  __device__ static int place(int at) { return at; }
  __device__ static int lane_in_values();
  __device__ static float logit_scale(float scale) { return scale; }
  __device__ static void weigh(WarpState& warp, int tile, const Logits& sums,
                               const float (&factor)[2], Weights& weights);
  __device__ static void multiply(WarpState& warp, const unsigned char* bytes, int at,
                                  const Weights& weights);
};

// In 32 keys and 16 channels. Matrices 0, 1: eight channels of 16 keys and of the next 16; 2, 3:
// the next eight channels.
template <typename Product>
__device__ inline int Values<Product>::lane_in_values() {
  const int matrix = device::lane() / 8;
  return matrix % 2 * kGroupBytes + (matrix / 2 * 8 + device::lane() % 8) * kGroupKeys;
}

__device__ inline void follow_maxima(WarpState& warp, int tile, const float (&seen)[2]) {
  float factor[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float before = warp.largest[tile][half];
    const float now = fmaxf(before, largest_of_quad(seen[half]));
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

// Weights are added to the totals before they are rounded.
template <typename Product>
__device__ inline void Values<Product>::weigh(WarpState& warp, int tile, const Logits& sums,
                                              const float (&factor)[2], Weights& weights) {
  float seen[2];
  bool grew = false;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int32_t largest = sums[tile][0][2 * half];
#pragma unroll
    for (const auto& block : sums[tile]) {
      largest = max(largest, max(block[2 * half], block[2 * half + 1]));
    }
    seen[half] = (numerics::float_of(static_cast<uint32_t>(largest)) - kFloatOffset) * factor[half];
    grew |= seen[half] > warp.largest[tile][half];
  }
  if (device::vote_any(grew)) follow_maxima(warp, tile, seen);

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    // Not with kFloatOffset in it, as int8_attention.cu has it: where logits are in the hundreds
    // its rounding would make the largest weight more than 448, which the total would then count
    // whole.
    const float offset = numerics::kE4M3WeightShift - warp.largest[tile][half];
    uint32_t pairs[kTileKeys / 8];
#pragma unroll
    for (int block = 0; block < kTileKeys / 8; ++block) {
      float weight[2];
#pragma unroll
      for (int at = 0; at < 2; ++at) {
        const auto bits = static_cast<uint32_t>(sums[tile][block][2 * half + at]);
        weight[at] = device::exp2_approx(
            fmaf(numerics::float_of(bits) - kFloatOffset, factor[half], offset));
        warp.total[tile][half] += weight[at];
      }
      pairs[block] = device::pack_e4m3x2(weight[0], weight[1]);
    }
#pragma unroll
    for (int group = 0; group < kTileKeys / kGroupKeys; ++group) {
      weights[tile][half + 2 * group] = pairs[2 * group] | pairs[2 * group + 1] << 16;
    }
  }
}

// d = a b, in f16: what the kernel multiplies values with.
struct E4M3Product {
  __device__ static void multiply(uint32_t (&d)[2], const uint32_t (&a)[4],
                                  const uint32_t (&b)[2]) {
    d[0] = d[1] = 0;
    device::mma_e4m3_f16(d, a, b);
  }
};

template <typename Product>
__device__ inline void Values<Product>::multiply(WarpState& warp, const unsigned char* bytes,
                                                 int at, const Weights& weights) {
#pragma unroll
  for (int pair = 0; pair < kDim / 16; ++pair) {
    uint32_t v[4];
    device::ldmatrix_x4(v, bytes + at + pair * 16 * kGroupKeys);
    const uint32_t columns[2][2] = {{v[0], v[1]}, {v[2], v[3]}};
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
#pragma unroll
      for (int block = 0; block < 2; ++block) {
        uint32_t sums[2];
        Product::multiply(sums, weights[tile], columns[block]);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          float lo, hi;
          device::unpack_f16x2(sums[half], lo, hi);
          warp.out[tile][2 * pair + block][2 * half] += lo;
          warp.out[tile][2 * pair + block][2 * half + 1] += hi;
        }
      }
    }
  }
}

}  // namespace reel::cuda::e4m3_attention_tile
