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

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/mma_attention_tile.cuh"
#include "core/numerics/e4m3_attention.h"

namespace reel::cuda::e4m3_attention_tile {

using namespace mma_attention_tile;  // NOLINT

constexpr int kStages = 4;  // 32 KiB of shared memory
constexpr int kValueTileBytes = kTileKeys * kDim;
constexpr int kGroupKeys = 16;  // whose values lie channel by channel
constexpr int kGroupBytes = kGroupKeys * kDim;
static_assert(kTileKeys == numerics::kE4M3KeyRun && kGroupKeys == kChunk);

struct Stage {
  unsigned char keys[kKeyTileBytes];
  unsigned char values[kValueTileBytes];
};
constexpr int kStageBytes = sizeof(Stage);

struct alignas(128) Tiles {
  Stage stages[kStages];
  float q_scales[kBlockRows];
};

using Weights = uint32_t[kRowTiles][4];  // e4m3, as the left side of a product

// Eight channels of 16 keys are 128 bytes in a row, so ldmatrix meets every bank once as they lie.
__device__ inline void load_tile(unsigned char* tiles, int stage, const Problem& problem,
                                 int64_t key) {
  load_keys(tiles, stage, problem, key);
  const int thread = static_cast<int>(threadIdx.x) * kChunk;
  const auto* const from = static_cast<const unsigned char*>(problem.v) + key * kDim + thread;
#pragma unroll
  for (int at = 0; at < kValueTileBytes; at += kThreads * kChunk) {
    device::cp_async_16(tiles + stage + kKeyTileBytes + thread + at, from + at);
  }
}

// Where in 32 keys and 16 channels of values a lane's row for ldmatrix starts. Matrices 0, 1: eight
// channels of 16 keys and of the next 16; 2, 3: the next eight channels.
__device__ inline int lane_in_values() {
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

// The weights of 16 rows and 32 keys; adds them, before they are rounded, to the totals. `factor`
// makes logits of sums.
__device__ inline void weigh(WarpState& warp, int tile, const Logits& sums,
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

// Adds the weighted values of 32 keys to the output.
template <typename Product>
__device__ inline void multiply_values(WarpState& warp, const unsigned char* values,
                                       const Weights& weights) {
#pragma unroll
  for (int pair = 0; pair < kDim / 16; ++pair) {
    uint32_t v[4];
    device::ldmatrix_x4(v, values + pair * 16 * kGroupKeys);
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

// grid = grid_of(), block = kThreads, shared = Tiles. Three tiles are on their way while one is
// multiplied. q, k, v and out start at multiples of 16 bytes.
template <typename T, typename Product>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) kernel(Problem problem) {
  const device::Shared<Tiles> tiles;
  const int64_t head = blockIdx.y;
  const int64_t first_row = int64_t{blockIdx.x} * kBlockRows + device::warp_in_block() * kWarpRows;
  const int first_key = static_cast<int>(head * problem.padded_keys);
  const auto key_count = static_cast<int>(problem.keys);

  auto* const bytes = reinterpret_cast<unsigned char*>(&*tiles);
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage * kTileKeys < key_count) {
      load_tile(bytes, stage * kStageBytes, problem, first_key + stage * kTileKeys);
    }
    device::cp_async_commit();
  }
  start_q_scales(problem, head, tiles->q_scales);
  const float* const q_scales =
      tiles->q_scales + device::warp_in_block() * kWarpRows + device::lane() / 4;
  const int in_keys = lane_in_keys();
  const int in_values = kKeyTileBytes + lane_in_values();
  WarpState warp;
  start_warp(warp, problem, head, first_row);
  constexpr int kAhead = (kStages - 1) * kTileKeys;
  for (int first = 0; first < key_count; first += kTileKeys) {
    const float k_scale =
        problem.k_scales[(first_key + first) / ops::kInt8KeyTile * ops::kInt8KeyScales +
                         device::lane() % 4];
    device::cp_async_wait<kStages - 2>();
    device::sync_block();  // this tile is there, and nobody reads the one before it any more
    if (first + kAhead < key_count) {
      load_tile(bytes, (first + kAhead) / kTileKeys % kStages * kStageBytes, problem,
                first_key + first + kAhead);
    }
    device::cp_async_commit();
    const int stage = first / kTileKeys % kStages * kStageBytes;
    Logits sums;
    multiply_keys(warp, bytes, stage + in_keys, sums);
    if (key_count - first < kTileKeys) mask_logits(sums, key_count - first);
    Weights weights;
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
      const float factor[2] = {q_scales[16 * tile] * k_scale, q_scales[16 * tile + 8] * k_scale};
      weigh(warp, tile, sums, factor, weights);
    }
    multiply_values<Product>(warp, bytes + stage + in_values, weights);
  }
  store_rows<T, true>(warp, problem, head, first_row);
}

}  // namespace reel::cuda::e4m3_attention_tile
