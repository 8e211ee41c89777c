// SPDX-License-Identifier: Apache-2.0
// A block's part of wgmma_attention_tile.cuh, and how what it reads comes to shared memory: queries
// once, keys and values through a ring of kStages slots. Two blocks form a cluster; each brings
// half of a tile, for both.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/cluster.cuh"
#include "backends/cuda/device/mbarrier.cuh"
#include "backends/cuda/device/tensor_copy.cuh"
#include "backends/cuda/wgmma_softmax.cuh"

namespace reel::cuda::wgmma_attention_tile {

inline constexpr int kGroupRows = 64;  // of a warpgroup
inline constexpr int kGroupThreads = 128;
inline constexpr int kWarpRows = 16;
inline constexpr int kGroups = 3;
inline constexpr int kBlockRows = kGroups * kGroupRows;
inline constexpr int kThreads = (1 + kGroups) * kGroupThreads;
inline constexpr int kCluster = 2;  // blocks
inline constexpr int kClusterRows = kCluster * kBlockRows;
inline constexpr int kKeysInCopy = kTileKeys / kCluster;
inline constexpr int kStages = 4;
inline constexpr int kBoxBytes = 128;  // of a row, in one copy
inline constexpr uint16_t kAllBlocks = (1 << kCluster) - 1;

// A block's part. Slot t of the ring, modulo kStages, has the keys of tile t and the values of tile
// t - 1.
struct Part {
  int head, first_row;
  int groups, groups_of_cluster;  // with rows
  int tiles;
};

__device__ inline int block_in_cluster() { return static_cast<int>(device::block_in_cluster()); }

// How values of a kind lie in a slot, where they come from, and how a block of the cluster brings
// its half of a tile of a head, for all.
template <typename Kind>
struct Values;

// 64 columns of [keys, 128], then the others.
template <>
struct Values<F16> {
  using Source = CUtensorMap;
  using Tile = uint8_t[2][kTileKeys * kBoxBytes];
  __device__ static void bring(const Source& map, int tile, int head, int64_t /*padded_keys*/,
                               Tile& to, device::Mbarrier& full) {
    for (int columns = block_in_cluster(); columns < 2; columns += kCluster) {
      device::copy_box_to(kAllBlocks, to[columns], map, full, columns * kBoxBytes, tile * kTileKeys,
                          head);
    }
  }
};

// As numerics::e4m3_value_at() says: 16 keys after the other.
template <>
struct Values<E4M3> {
  using Source = const uint8_t*;
  using Tile = uint8_t[kTileKeys * kDim];
  __device__ static void bring(const Source& values, int tile, int head, int64_t padded_keys,
                               Tile& to, device::Mbarrier& full) {
    constexpr int kBytes = sizeof(Tile) / kCluster;
    const int half = block_in_cluster() * kBytes;
    const int64_t first_key = head * padded_keys + tile * kTileKeys;
    device::copy_bytes_to(kAllBlocks, to + half, values + first_key * kDim + half, kBytes, full);
  }
};

template <typename Kind>
struct Slot {
  uint8_t keys[kTileKeys * kDim];
  typename Values<Kind>::Tile values;  // of the tile before
};
// What a kind keeps in shared memory besides.
template <typename Kind>
struct Kept {};
template <>
struct Kept<E4M3> {
  float4 sums[kGroups][kDim / 8][kGroupThreads];
};
template <typename Kind>
struct alignas(1024) Memory {
  uint8_t q[kBlockRows * kDim];
  Slot<Kind> slots[kStages];
  Kept<Kind> kept;
  Part part;  // here, as registers are short
  device::Mbarrier q_full;
  device::Mbarrier full[kStages];
  device::Mbarrier empty[kStages];
};

struct Problem {
  const float* q_scales;
  const float* k_scales;
  const float* v_mean;
  const float* v_scales;  // of e4m3
  void* out;
  int64_t queries, heads;
  int64_t padded_queries, padded_keys;
  int keys;
  float scale_log2;  // logits in base 2
};

// Clusters with fewer rows come last.
__device__ inline Part part_of_block(const Problem& problem) {
  const int tiles = (problem.keys + kTileKeys - 1) / kTileKeys;
  const int queries = static_cast<int>(problem.queries);
  const int whole = queries / kClusterRows;
  const int cluster = static_cast<int>(blockIdx.x) / kCluster;
  const int block = static_cast<int>(blockIdx.x) % kCluster;
  const int whole_of_all = whole * static_cast<int>(problem.heads);
  if (cluster < whole_of_all) {
    const int first_row = cluster % whole * kClusterRows + block * kBlockRows;
    return {cluster / whole, first_row, kGroups, kCluster * kGroups, tiles};
  }
  const int groups = (queries - whole * kClusterRows + kGroupRows - 1) / kGroupRows;
  const int begin = groups * block / kCluster;
  const int end = groups * (block + 1) / kCluster;
  return {cluster - whole_of_all, whole * kClusterRows + begin * kGroupRows, end - begin, groups,
          tiles};
}

// One thread.
template <typename Kind>
__device__ inline void bring(const CUtensorMap& q_map, const CUtensorMap& k_map,
                             const typename Values<Kind>::Source& v, const Problem& problem,
                             Memory<Kind>& memory) {
  const Part part = memory.part;
  const int first_key = block_in_cluster() * kKeysInCopy;
  if (part.groups > 0) {
    device::mbarrier_arrive_expecting(memory.q_full, sizeof(memory.q));
    device::copy_box(memory.q, q_map, memory.q_full, 0, part.first_row, part.head);
  }
  int number = 0;
  uint32_t parity = 1;
  for (int tile = 0; tile <= part.tiles; ++tile) {
    Slot<Kind>& slot = memory.slots[number];
    device::Mbarrier& full = memory.full[number];
    const bool has_keys = tile < part.tiles;
    const bool has_values = tile > 0;
    device::mbarrier_wait(memory.empty[number], parity);
    // What was brought before has come here too: a block without groups has nobody who waited.
    device::mbarrier_wait(full, parity);
    device::mbarrier_arrive_expecting(
        full, (has_keys ? sizeof(slot.keys) : 0) + (has_values ? sizeof(slot.values) : 0));
    if (has_keys) {
      device::copy_box_to(kAllBlocks, slot.keys + first_key * kDim, k_map, full, 0,
                          tile * kTileKeys + first_key, part.head);
    }
    if (has_values) {
      Values<Kind>::bring(v, tile - 1, part.head, problem.padded_keys, slot.values, full);
    }
    number = number + 1 == kStages ? 0 : number + 1;
    if (number == 0) parity ^= 1;
  }
}

}  // namespace reel::cuda::wgmma_attention_tile
