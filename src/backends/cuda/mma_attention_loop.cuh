// SPDX-License-Identifier: Apache-2.0
// The loop over keys of both forms of 8-bit attention through mma.sync. A form's Values says how
// values come, lie and are weighed:
//
//   kTileBytes         of the values of 32 keys
//   kScaled            whether the output is multiplied by scales of channels
//   Weights            of 32 rows and 32 keys
//   load()             starts copying the values of 32 keys to `stage` bytes into the tiles
//   lane_in_values()   where in them a lane's row for ldmatrix starts
//   logit_scale()      of a product of a query's and a key's scale
//   weigh()            weights of 16 rows, added to the totals; sums may be rescaled
//   multiply()         adds the weighted values to the output
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/mma_attention_tile.cuh"

namespace reel::cuda::mma_attention_tile {

constexpr int kStages = 4;

template <typename Values>
struct Stage {
  unsigned char keys[kKeyTileBytes];
  unsigned char values[Values::kTileBytes];
};

template <typename Values>
struct alignas(128) Tiles {
  Stage<Values> stages[kStages];
  float q_scales[kBlockRows];  // of logits in base 2; registers are short
};

// Starts copying 32 keys from `key` on and their values to the stage that is `stage` bytes into
// `tiles`.
template <typename Values>
__device__ inline void load_tile(unsigned char* tiles, int stage, const Problem& problem,
                                 int64_t key) {
  static_assert(sizeof(Stage<Values>) % 4096 == 0);
  load_keys(tiles, stage, problem, key);
  Values::load(tiles, stage + kKeyTileBytes, problem, key);
}

// grid = grid_of(), block = kThreads, shared = Tiles. Three tiles are on their way while one is
// multiplied. q, k, v and out start at multiples of 16 bytes.
template <typename T, typename Values>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) kernel(Problem problem) {
  constexpr int kStageBytes = sizeof(Stage<Values>);
  const device::Shared<Tiles<Values>> tiles;
  const int64_t head = blockIdx.y;
  const int64_t first_row = int64_t{blockIdx.x} * kBlockRows + device::warp_in_block() * kWarpRows;
  const int first_key = static_cast<int>(head * problem.padded_keys);
  const auto key_count = static_cast<int>(problem.keys);

  auto* const bytes = reinterpret_cast<unsigned char*>(&*tiles);
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage * kTileKeys < key_count) {
      load_tile<Values>(bytes, stage * kStageBytes, problem, first_key + stage * kTileKeys);
    }
    device::cp_async_commit();
  }
  start_q_scales(problem, head, tiles->q_scales);
  const float* const q_scales =
      tiles->q_scales + device::warp_in_block() * kWarpRows + device::lane() / 4;
  const int in_keys = lane_in_keys();
  const int in_values = kKeyTileBytes + Values::lane_in_values();
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
      load_tile<Values>(bytes, (first + kAhead) / kTileKeys % kStages * kStageBytes, problem,
                        first_key + first + kAhead);
    }
    device::cp_async_commit();
    const int stage = first / kTileKeys % kStages * kStageBytes;
    Logits sums;
    multiply_keys(warp, bytes, stage + in_keys, sums);
    if (key_count - first < kTileKeys) mask_logits(sums, key_count - first);
    typename Values::Weights weights;
#pragma unroll
    for (int tile = 0; tile < kRowTiles; ++tile) {
      const float factor[2] = {Values::logit_scale(q_scales[16 * tile] * k_scale),
                               Values::logit_scale(q_scales[16 * tile + 8] * k_scale)};
      Values::weigh(warp, tile, sums, factor, weights);
    }
    Values::multiply(warp, bytes, stage + in_values, weights);
  }
  store_rows<T, Values::kScaled>(warp, problem, head, first_row);
}

template <typename T, typename Values>
void launch_kernel(const char* name, const Problem& problem, cudaStream_t stream) {
  launch(name, kernel<T, Values>,
         {.grid = grid_of(problem),
          .block = kThreads,
          .shared_bytes = sizeof(Tiles<Values>),
          .stream = stream},
         problem);
}

}  // namespace reel::cuda::mma_attention_tile
