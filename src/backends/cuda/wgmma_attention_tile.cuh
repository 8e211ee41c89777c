// SPDX-License-Identifier: Apache-2.0
// Self-attention with INT8 q k^T and f16 or e4m3 values on Hopper's own tensor-core instruction:
// the numbers of int8_attention.cu and of e4m3_attention.cu, whose maxima are followed every 32
// keys instead of every 64.
//
// A block has 192 queries of a head: three warpgroups of 64, and a warp that brings keys and values
// (wgmma_attention_load.cuh). A warpgroup holds its queries in registers. It asks for the logits of
// a tile and for the product of the tile before, and weighs the logits while the product runs, as
// FlashAttention-3 does (Shah et al. 2024, arXiv:2407.08608).
//
// With f16 bound by the tensor cores, and by the power they take: 384 of their clocks for 64 rows
// and keys, beside 256 of the special-function unit's and more than 200 instructions of each of
// four warps. With e4m3 they take 256, and a warpgroup's own chain of steps is what takes the time.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cluster.cuh"
#include "backends/cuda/device/mbarrier.cuh"
#include "backends/cuda/device/registers.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/wgmma.cuh"
#include "backends/cuda/wgmma_attention_load.cuh"
#include "backends/cuda/wgmma_attention_products.cuh"
#include "backends/cuda/wgmma_promotion.cuh"
#include "backends/cuda/wgmma_softmax.cuh"

namespace reel::cuda::wgmma_attention_tile {

// What a warpgroup's lane needs besides its registers of sums and weights.
struct Group {
  Query q;
  uint32_t keys, values;  // low words of operands; of slot 0
  const float* k_scales;  // this lane's, four apart
  int key_count;
};

// Tells all blocks of the cluster that this warp has done with a slot.
__device__ inline void release(device::Mbarrier& empty) {
  if (device::lane() < kCluster) {
    device::mbarrier_arrive_at(empty, static_cast<uint32_t>(device::lane()));
  }
}

// The first tile's weights.
template <typename Kind, bool kLast>
__device__ __forceinline__ void start(const Group& group, Memory<Kind>& memory, Rows& rows,
                                      typename Kind::Packed& packed) {
  Sums sums;
  device::mbarrier_wait(memory.full[0], 0);
  device::wgmma_fence();
  multiply_keys(sums, group.q, group.keys);
  const float k_scale = group.k_scales[0];
  device::wgmma_wait<0>();
  device::wgmma_finished(sums);
  release(memory.empty[0]);
  if constexpr (kLast) mask_logits(sums, group.key_count);
  typename Kind::Weights weights;
  float factor[2];
  follow_maxima<Kind>(sums, k_scale, rows, factor);
  weigh<kLast>(sums, k_scale, rows, weights);
  pack_weights(weights, packed);
}

// Adds the product of the tile before; then `packed` has the weights of this one, whose slot is
// full, and the next slot is, too.
template <bool kLast, typename Kind>
__device__ __forceinline__ void step(const Group& group, Memory<Kind>& memory, int tile, int slot,
                                     int next_slot, uint32_t next_parity, Rows& rows, Out& out,
                                     Promoted<Kind>& promoted, typename Kind::Packed& packed,
                                     typename Kind::Packed& next) {
  constexpr uint32_t kUnits = sizeof(Slot<Kind>) / 16;
  const bool anew = slot == 1 && promoted.starts_anew(tile);
  Sums sums;
  device::wgmma_fence();
  multiply_keys(sums, group.q, group.keys + slot * kUnits);
  multiply_values(out, packed, group.values + slot * kUnits, anew);
  const float k_scale = group.k_scales[ops::kInt8KeyScales * tile];
  device::wgmma_wait<1>();
  device::wgmma_finished(sums);
  if constexpr (kLast) mask_logits(sums, group.key_count - tile * kTileKeys);
  float factor[2];
  const bool grew = follow_maxima<Kind>(sums, k_scale, rows, factor);
  typename Kind::Weights weights;
  weigh<kLast>(sums, k_scale, rows, weights);
  finished(weights);
  // A branch between the weights and the wait for the product that runs meanwhile: without one the
  // compiler puts most of the work behind the wait.
  device::mbarrier_wait(memory.full[next_slot], next_parity);
  device::wgmma_wait<0>();
  device::wgmma_finished(out);
  finished(packed);
  release(memory.empty[slot]);
  if (grew) scale_rows(out, factor);
  if (next_slot == 1 && promoted.starts_anew(tile + 1)) promoted.add(out, rows);
  pack_weights(weights, next);
}

template <typename Kind, typename T>
__device__ inline void store_rows(const Problem& problem, int head, int64_t first_row,
                                  const Rows& rows, const Out& out) {
  constexpr bool kScaled = std::is_same_v<Kind, E4M3>;
  const float* const mean = problem.v_mean + head * kDim;
  const float* const scale = problem.v_scales + head * kDim;
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
        const float factor = kScaled ? inverse * scale[column + i] : inverse;
        device::store_from_float(pair.at[i],
                                 fmaf(out[4 * block + 2 * half + i], factor, mean[column + i]));
      }
      *reinterpret_cast<Pair<T>*>(to + column) = pair;
    }
  }
}

// A warp's number among those with rows.
__device__ inline int warp_with_rows() {
  const int thread = device::not_kept(static_cast<int>(threadIdx.x));
  return thread / device::kWarpSize - kGroupThreads / device::kWarpSize;
}

// A lane's first row.
__device__ inline int64_t lane_row(const Part& part) {
  return part.first_row + warp_with_rows() * kWarpRows + device::lane() / 4;
}

// One of the warpgroups with rows.
template <typename Kind, typename T>
__device__ __forceinline__ void attend(int number, const Problem& problem, Memory<Kind>& memory) {
  const int tiles = memory.part.tiles;
  const int head = memory.part.head;
  Group group{.q = {},
              .keys = device::wgmma_low(memory.slots[0].keys),
              .values = operand_of(memory.slots[0].values),
              .k_scales = problem.k_scales +
                          head * (problem.padded_keys / kTileKeys) * ops::kInt8KeyScales +
                          device::lane() % 4,
              .key_count = problem.keys};
  Rows rows{{}, {kNoMaximum, kNoMaximum}, {0, 0}};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int64_t row = lane_row(memory.part) + 8 * half;
    const int64_t at = row < problem.queries ? row : problem.queries - 1;
    rows.scale[half] = problem.q_scales[head * problem.padded_queries + at] * problem.scale_log2;
  }
  Out out;
#pragma unroll
  for (int at = 0; at < kDim / 2; at += 8) {
#pragma unroll
    for (int i = 0; i < 8; ++i) out[at + i] = 0;
  }
  Promoted<Kind> promoted(memory.kept, number);
  typename Kind::Packed packed[Kind::kPackedSets];  // of tile t: t % kPackedSets
  device::mbarrier_wait(memory.q_full, 0);
  load_query(memory.q, warp_with_rows(), group.q);
  if (tiles == 1) {
    start<Kind, true>(group, memory, rows, packed[0]);
  } else {
    start<Kind, false>(group, memory, rows, packed[0]);
  }

  device::mbarrier_wait(memory.full[1], 0);
  int tile = 1;
  uint32_t parity = 0;
  while (tile + 1 < tiles) {
    // Slots known to the compiler cost no address arithmetic.
#pragma unroll
    for (int i = 1; i <= kStages; ++i) {
      if (tile + 1 >= tiles) break;
      const int next = (i + 1) % kStages;
      if (next == 0) parity ^= 1;
      step<false>(group, memory, tile, i % kStages, next, parity, rows, out, promoted,
                  packed[(i - 1) % Kind::kPackedSets], packed[i % Kind::kPackedSets]);
      ++tile;
    }
  }
  constexpr int kOther = Kind::kPackedSets - 1;
  if (tile % 2 == 0) pack_weights(packed[kOther], packed[0]);
  if (tile < tiles) {
    const int next = (tile + 1) % kStages;
    if (next == 0) parity ^= 1;
    step<true>(group, memory, tile, tile % kStages, next, parity, rows, out, promoted, packed[0],
               packed[0]);
  }
  device::wgmma_fence();
  multiply_values(out, packed[0], group.values + tiles % kStages * (sizeof(Slot<Kind>) / 16),
                  promoted.starts_anew(tiles));
  device::wgmma_wait<0>();
  device::wgmma_finished(out);
  promoted.take(out, rows);
  store_rows<Kind, T>(problem, memory.part.head, lane_row(memory.part), rows, out);
}

// grid = kCluster blocks for every kClusterRows queries of every head, block = kThreads, shared =
// Memory.
template <typename T, typename Kind>
__global__ void __launch_bounds__(kThreads, 1) __cluster_dims__(kCluster)
    kernel(const __grid_constant__ CUtensorMap q_map, const __grid_constant__ CUtensorMap k_map,
           const __grid_constant__ typename Values<Kind>::Source v, const Problem problem) {
  const device::Shared<Memory<Kind>> memory;
  if (threadIdx.x == 0) {
    memory->part = part_of_block(problem);
    device::mbarrier_init(memory->q_full, 1);
    for (int slot = 0; slot < kStages; ++slot) {
      device::mbarrier_init(memory->full[slot], 1);
      device::mbarrier_init(memory->empty[slot],
                            kGroupThreads / device::kWarpSize * memory->part.groups_of_cluster);
    }
    device::mbarrier_publish();
  }
  device::sync_cluster();
  // The same in all lanes, as the compiler then knows, too: operands need uniform registers.
  const int group = device::shuffle(static_cast<int>(threadIdx.x) / kGroupThreads, 0);
  if (group == 0) {
    device::give_back_registers<32>();
    if (threadIdx.x == 0) bring(q_map, k_map, v, problem, *memory);
    device::sync_warp();
  } else {
    device::take_registers<160>();
    if (group - 1 < memory->part.groups) attend<Kind, T>(group - 1, problem, *memory);
  }
  // Nobody leaves while another may still write to its shared memory.
  device::sync_cluster();
}

}  // namespace reel::cuda::wgmma_attention_tile
