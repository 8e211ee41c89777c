// SPDX-License-Identifier: Apache-2.0
// The loop over keys of both forms of 8-bit attention through mma.sync. A form's Values says how
// values come, lie and are weighed:
//
//   kTiles             of 32 keys that a stage holds
//   kStages            on their way or at work
//   kTileBytes         of the values of 32 keys
//   kScaled            whether the output is multiplied by scales of channels
//   kMasks             whether weigh() finds out itself which keys exist
//   Weights            of 32 rows and the keys of a stage
//   place()            where byte `at` of the values of a stage goes
//   lane_in_values()   where in them a lane's row for ldmatrix starts
//   logit_scale()      of a product of a query's and a key's scale
//   weigh()            weights of 16 rows and 32 keys, added to the totals; sums may be rescaled,
//                      and keys of the stage before these added to them
//   multiply()         adds the weighted values of a stage to the output
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/mma_attention_tile.cuh"

namespace reel::cuda::mma_attention_tile {

template <typename Values>
struct Stage {
  static constexpr int kKeys = Values::kTiles * kTileKeys;

  unsigned char keys[Values::kTiles][kKeyTileBytes];
  unsigned char values[Values::kTiles][Values::kTileBytes];
};

template <typename Values>
struct alignas(128) Tiles {
  Stage<Values> stages[Values::kStages];
  float q_scales[kBlockRows];  // of logits in base 2; registers are short
};

// Brings stages one after the other, then the last one again and again: without a choice the loads
// mix with the products. What of an address does not change is worked out once; numbers of chunks
// take half the registers of pointers, and are enough for 2^28 padded keys of all heads.
template <typename Values>
class TileLoader {
 public:
  __device__ TileLoader(int first_key, int key_count)
      : key_chunk_(static_cast<unsigned>(first_key) * (kKeyBytes / kChunk) + threadIdx.x),
        value_chunk_(static_cast<unsigned>(first_key) * (kValueBytes / kChunk) + threadIdx.x),
        keys_to_(swizzled<kKeyBytes>(own_place())),
        values_to_(kBytesOfKeys + Values::place(own_place())),
        left_(key_count) {}

  // Starts copying keys and their values to `stage`, which starts at a multiple of 4096 bytes.
  __device__ void load(const Problem& problem, unsigned char* stage) {
    copy<kBytesOfKeys>(stage + keys_to_, reinterpret_cast<const uint4*>(problem.k) + key_chunk_);
    copy<kBytesOfValues>(stage + values_to_, static_cast<const uint4*>(problem.v) + value_chunk_);
    left_ -= Stage<Values>::kKeys;
    if (left_ > 0) {
      key_chunk_ += kBytesOfKeys / kChunk;
      value_chunk_ += kBytesOfValues / kChunk;
    }
  }

 private:
  static constexpr int kValueBytes = Values::kTileBytes / kTileKeys;
  static constexpr int kBytesOfKeys = sizeof(Stage<Values>::keys);
  static constexpr int kBytesOfValues = sizeof(Stage<Values>::values);
  static constexpr int kAtOnce = kThreads * kChunk;
  static_assert(sizeof(Stage<Values>) % 4096 == 0 && kKeyTileBytes % 4096 == 0);

  __device__ static int own_place() { return static_cast<int>(threadIdx.x) * kChunk; }
  template <int kBytes>
  __device__ static void copy(unsigned char* to, const uint4* from) {
#pragma unroll
    for (int at = 0; at < kBytes; at += kAtOnce) {
      device::cp_async_16(to + at, from + at / kChunk);
    }
  }

  unsigned key_chunk_, value_chunk_;
  int keys_to_, values_to_;
  int left_;  // keys to bring
};

// grid = grid_of(), block = kThreads, shared = Tiles. All stages but one or two are on their way
// while one is multiplied. q, k, v and out start at multiples of 16 bytes.
template <typename T, typename Values>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) kernel(Problem problem) {
  constexpr int kStageBytes = sizeof(Stage<Values>);
  constexpr int kLastStage = (Values::kStages - 1) * kStageBytes;
  const device::Shared<Tiles<Values>> tiles;
  const int64_t head = blockIdx.y;
  const int64_t first_row = int64_t{blockIdx.x} * kBlockRows + device::warp_in_block() * kWarpRows;
  const int first_key = static_cast<int>(head * problem.padded_keys);
  const auto key_count = static_cast<int>(problem.keys);

  auto* const bytes = reinterpret_cast<unsigned char*>(&*tiles);
  TileLoader<Values> loader(first_key, key_count);
  for (int stage = 0; stage < kLastStage; stage += kStageBytes) {
    loader.load(problem, bytes + stage);
    device::cp_async_commit();
  }
  start_q_scales(problem, head, tiles->q_scales);
  const float* const q_scales =
      tiles->q_scales + device::warp_in_block() * kWarpRows + device::lane() / 4;
  const float* const k_scales =
      problem.k_scales + first_key / ops::kInt8KeyTile * ops::kInt8KeyScales + device::lane() % 4;
  const int in_keys = device::kept(lane_in_keys());
  const int in_values =
      device::kept(static_cast<int>(sizeof(Stage<Values>::keys)) + Values::lane_in_values());
  WarpState warp;
  start_warp(warp, problem, head, first_row);
  int stage = 0;
  for (int first = 0; first < key_count; first += Stage<Values>::kKeys) {
    const float k_scale =
        k_scales[static_cast<unsigned>(first) / ops::kInt8KeyTile * ops::kInt8KeyScales];
    device::cp_async_wait<Values::kStages - 2>();
    device::sync_block();  // this stage is there, and nobody reads the one before it any more
    typename Values::Weights weights;
    const LaneBytes values{bytes, stage + in_values};
#pragma unroll
    for (int index = 0; index < Values::kTiles; ++index) {
      Logits sums;
      multiply_keys(warp, {bytes + index * kKeyTileBytes, stage + in_keys}, sums);
      if (index == 0) {
        loader.load(problem, bytes + (stage == 0 ? kLastStage : stage - kStageBytes));
        device::cp_async_commit();
      }
      float factor[kRowTiles][2];
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
        factor[tile][0] = Values::logit_scale(q_scales[16 * tile] * k_scale);
        factor[tile][1] = Values::logit_scale(q_scales[16 * tile + 8] * k_scale);
      }
      const Part part{index, key_count - first - index * kTileKeys};
      if (!Values::kMasks && part.keys < kTileKeys) {
#pragma unroll
        for (int tile = 0; tile < kRowTiles; ++tile) mask_logits(sums, tile, part.keys);
      }
#pragma unroll
      for (int tile = 0; tile < kRowTiles; ++tile) {
        Values::weigh(warp, tile, part, sums, factor[tile], values, weights);
      }
    }
    Values::multiply(warp, values, weights);
    stage = stage == kLastStage ? 0 : stage + kStageBytes;
  }
  device::cp_async_wait<0>();  // nothing comes to shared memory that is another block's by then
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
