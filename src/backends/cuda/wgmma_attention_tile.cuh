// SPDX-License-Identifier: Apache-2.0
// Self-attention with INT8 q k^T and f16 values on Hopper's own tensor-core instruction: the
// numbers of int8_attention.cu, whose maxima are followed every 32 keys instead of every 64.
//
// A block has 192 queries of a head: three warpgroups of 64, and a warp that brings keys and values
// (wgmma_attention_load.cuh). A warpgroup holds its queries in registers. It asks for the logits of
// a tile and for the product of the tile before, and weighs the logits while the product runs, as
// FlashAttention-3 does (Shah et al. 2024, arXiv:2407.08608).
//
// Bound by the tensor cores, and by the power they take: 384 of their clocks for 64 rows and keys,
// beside 256 of the special-function unit's and more than 200 instructions of each of four warps.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cluster.cuh"
#include "backends/cuda/device/mbarrier.cuh"
#include "backends/cuda/device/registers.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/wgmma.cuh"
#include "backends/cuda/device/wgmma_attention.cuh"
#include "backends/cuda/wgmma_attention_load.cuh"
#include "backends/cuda/wgmma_softmax.cuh"

namespace reel::cuda::wgmma_attention_tile {

// Rows of q as the left side of products: 32 bytes of depth at a time.
using Query = uint32_t[kDim / 32][4];

// What a warpgroup's lane needs besides its registers of sums and weights.
struct Group {
  Query q;
  uint32_t keys, values;  // low words of operands; of slot 0
  const float* k_scales;  // this lane's, four apart
  int key_count;
};

using Out = float[kDim / 2];  // of a lane, as sums of logits lie

// Tells all blocks of the cluster that this warp has done with a slot.
__device__ inline void release(device::Mbarrier& empty) {
  if (device::lane() < kCluster) {
    device::mbarrier_arrive_at(empty, static_cast<uint32_t>(device::lane()));
  }
}

// A lane's part of the rows of warp `warp` of the block, which lie swizzled: 16-byte chunk c of row
// r at c ^ (r % 8).
__device__ __forceinline__ void load_query(const Memory& memory, int warp, Query& q) {
  constexpr int kChunk = 16;
  const int row = warp * kWarpRows + device::lane() / 4;
#pragma unroll
  for (int part = 0; part < 4; ++part) {
    const int at_row = row + part % 2 * 8;
#pragma unroll
    for (int step = 0; step < kDim / 32; ++step) {
      const int chunk = (2 * step + part / 2) ^ (at_row % 8);
      q[step][part] = *reinterpret_cast<const uint32_t*>(memory.q + at_row * kDim + chunk * kChunk +
                                                         device::lane() % 4 * 4);
    }
  }
}

__device__ __forceinline__ void multiply_keys(Sums& sums, const Query& q, uint32_t keys) {
  device::wgmma_s8_64x64<false>(sums, q[0], device::wgmma_operand_of(keys));
#pragma unroll
  for (int step = 1; step < kDim / 32; ++step) {
    device::wgmma_s8_64x64<true>(sums, q[step], device::wgmma_operand_of(keys + 2 * step));
  }
  device::wgmma_commit();
}

__device__ __forceinline__ void multiply_values(Out& out, const PackedWeights& weights,
                                                uint32_t values) {
#pragma unroll
  for (int step = 0; step < kTileKeys / 16; ++step) {
    device::wgmma_f16_64x128(out, weights[step], device::wgmma_operand_of(values + 128 * step));
  }
  device::wgmma_commit();
}

__device__ __forceinline__ void scale_rows(Out& out, const float (&factor)[2]) {
#pragma unroll
  for (int at = 0; at < kDim / 2; at += 4) {
    out[at] *= factor[0];
    out[at + 1] *= factor[0];
    out[at + 2] *= factor[1];
    out[at + 3] *= factor[1];
  }
}

// The first tile's weights.
__device__ __forceinline__ void start(const Group& group, Memory& memory, bool last, Rows& rows,
                                      PackedWeights& packed) {
  Sums sums;
  device::mbarrier_wait(memory.full[0], 0);
  device::wgmma_fence();
  multiply_keys(sums, group.q, group.keys);
  const float k_scale = group.k_scales[0];
  device::wgmma_wait<0>();
  device::wgmma_finished(sums);
  release(memory.empty[0]);
  if (last) mask_logits(sums, group.key_count);
  Weights weights;
  float factor[2];
  follow_maxima(sums, k_scale, rows, factor);
  weigh(sums, k_scale, rows, weights);
  pack_weights(weights, packed);
}

// Adds the product of the tile before; then `packed` has the weights of this one, whose slot is
// full, and the next slot is, too.
template <bool kLast>
__device__ __forceinline__ void step(const Group& group, Memory& memory, int tile, int slot,
                                     int next_slot, uint32_t next_parity, Rows& rows, Out& out,
                                     PackedWeights& packed) {
  constexpr uint32_t kUnits = sizeof(Slot) / 16;
  Sums sums;
  device::wgmma_fence();
  multiply_keys(sums, group.q, group.keys + slot * kUnits);
  multiply_values(out, packed, group.values + slot * kUnits);
  const float k_scale = group.k_scales[ops::kInt8KeyScales * tile];
  device::wgmma_wait<1>();
  device::wgmma_finished(sums);
  if constexpr (kLast) mask_logits(sums, group.key_count - tile * kTileKeys);
  float factor[2];
  const bool grew = follow_maxima(sums, k_scale, rows, factor);
  Weights weights;
  weigh(sums, k_scale, rows, weights);
  device::wgmma_finished(weights);
  // A branch between the weights and the wait for the product that runs meanwhile: without one the
  // compiler puts most of the work behind the wait.
  device::mbarrier_wait(memory.full[next_slot], next_parity);
  device::wgmma_wait<0>();
  device::wgmma_finished(out);
#pragma unroll
  for (auto& four : packed) device::wgmma_finished(four);
  release(memory.empty[slot]);
  if (grew) scale_rows(out, factor);
  pack_weights(weights, packed);
}

template <typename T>
__device__ inline void store_rows(const Problem& problem, int head, int64_t first_row,
                                  const Rows& rows, const Out& out) {
  const float* const mean = problem.v_mean + head * kDim;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float inverse = 1.0f / total_of_quad(rows.total[half]);
    const int64_t row = first_row + 8 * half;
    if (row >= problem.queries) continue;
    T* const to = static_cast<T*>(problem.out) + (row * problem.heads + head) * kDim;
#pragma unroll
    for (int block = 0; block < kDim / 8; ++block) {
      const int column = 8 * block + 2 * (device::lane() % 4);
      Pair<T> pair;
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        device::store_from_float(pair.at[i],
                                 fmaf(out[4 * block + 2 * half + i], inverse, mean[column + i]));
      }
      *reinterpret_cast<Pair<T>*>(to + column) = pair;
    }
  }
}

// One of the warpgroups with rows.
template <typename T>
__device__ __forceinline__ void attend(int number, const Problem& problem, const Part& part,
                                       Memory& memory) {
  const int warp = static_cast<int>(threadIdx.x) % kGroupThreads / device::kWarpSize;
  const int64_t row = part.first_row + number * kGroupRows + warp * kWarpRows + device::lane() / 4;
  Group group{.q = {},
              .keys = device::wgmma_low(memory.slots[0].keys),
              .values = device::wgmma_low_of_columns(memory.slots[0].values,
                                                     sizeof(memory.slots[0].values[0])),
              .k_scales = problem.k_scales +
                          part.head * (problem.padded_keys / kTileKeys) * ops::kInt8KeyScales +
                          device::lane() % 4,
              .key_count = problem.keys};
  Rows rows{{}, {kNoMaximum, kNoMaximum}, {0, 0}};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int64_t at = row + 8 * half < problem.queries ? row + 8 * half : problem.queries - 1;
    rows.scale[half] =
        problem.q_scales[part.head * problem.padded_queries + at] * problem.scale_log2;
  }
  Out out;
#pragma unroll
  for (int at = 0; at < kDim / 2; at += 8) {
#pragma unroll
    for (int i = 0; i < 8; ++i) out[at + i] = 0;
  }
  PackedWeights packed;
  device::mbarrier_wait(memory.q_full, 0);
  load_query(memory, number * (kGroupRows / kWarpRows) + warp, group.q);
  start(group, memory, part.tiles == 1, rows, packed);

  device::mbarrier_wait(memory.full[1], 0);
  int tile = 1;
  uint32_t parity = 0;
  while (tile + 1 < part.tiles) {
    // Slots known to the compiler cost no address arithmetic.
#pragma unroll
    for (int i = 1; i <= kStages; ++i) {
      if (tile + 1 >= part.tiles) break;
      const int next = (i + 1) % kStages;
      if (next == 0) parity ^= 1;
      step<false>(group, memory, tile, i % kStages, next, parity, rows, out, packed);
      ++tile;
    }
  }
  if (tile < part.tiles) {
    const int next = (tile + 1) % kStages;
    if (next == 0) parity ^= 1;
    step<true>(group, memory, tile, tile % kStages, next, parity, rows, out, packed);
  }
  device::wgmma_fence();
  multiply_values(out, packed, group.values + part.tiles % kStages * (sizeof(Slot) / 16));
  device::wgmma_wait<0>();
  device::wgmma_finished(out);
  store_rows<T>(problem, part.head, row, rows, out);
}

// grid = kCluster blocks for every kClusterRows queries of every head, block = kThreads, shared =
// Memory.
template <typename T>
__global__ void __launch_bounds__(kThreads, 1) __cluster_dims__(kCluster)
    kernel(const __grid_constant__ CUtensorMap q_map, const __grid_constant__ CUtensorMap k_map,
           const __grid_constant__ CUtensorMap v_map, const Problem problem) {
  const device::Shared<Memory> memory;
  const Part part = part_of_block(problem);
  if (threadIdx.x == 0) {
    device::mbarrier_init(memory->q_full, 1);
    for (int slot = 0; slot < kStages; ++slot) {
      device::mbarrier_init(memory->full[slot], 1);
      device::mbarrier_init(memory->empty[slot],
                            kGroupThreads / device::kWarpSize * part.groups_of_cluster);
    }
    device::mbarrier_publish();
  }
  device::sync_cluster();
  // The same in all lanes, as the compiler then knows, too: operands need uniform registers.
  const int group = device::shuffle(static_cast<int>(threadIdx.x) / kGroupThreads, 0);
  if (group == 0) {
    device::give_back_registers<32>();
    if (threadIdx.x == 0) bring(q_map, k_map, v_map, part, *memory);
    device::sync_warp();
  } else {
    device::take_registers<160>();
    if (group - 1 < part.groups) attend<T>(group - 1, problem, part, *memory);
  }
  // Nobody leaves while another may still write to its shared memory.
  device::sync_cluster();
}

}  // namespace reel::cuda::wgmma_attention_tile
