// SPDX-License-Identifier: Apache-2.0
// x W^T of INT8 on Hopper's own tensor-core instruction, the same bytes as product_tile.cuh gives.
//
// A block computes tiles of 128 x 256, one after the other: two warpgroups multiply 64 x 256 each,
// one warp brings x and W through a ring of kStages slots of 128 bytes of depth. Two blocks whose
// tiles lie below each other form a cluster; each brings half of their common rows of W, for both.
//
// Bound by the tensor cores. A slot takes 1024 clocks of them and of L2 32 bytes a clock; shared
// memory moves 48 bytes a clock to fill slots and 80 for the products.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cluster.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/mbarrier.cuh"
#include "backends/cuda/device/registers.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/device/tensor_copy.cuh"
#include "backends/cuda/device/wgmma.cuh"
#include "backends/cuda/wgmma_epilogue.cuh"

namespace reel::cuda::wgmma {

inline constexpr int kRows = 128;                        // of a block's tile
inline constexpr int kDepth = 128;                       // bytes of a row in one slot
inline constexpr int kStepBytes = 32;                    // of a row, in one multiplication
inline constexpr int kGroupRows = 64;                    // of a warpgroup
inline constexpr int kMultipliers = kRows / kGroupRows;  // warpgroups
inline constexpr int kGroupThreads = 128;
inline constexpr int kThreads = kGroupThreads * (1 + kMultipliers);
inline constexpr int kCluster = 2;  // blocks
inline constexpr int kStages = 4;   // 192 of the 227 KiB a block may have
inline constexpr int kRasterRows = 8;

// Rows of W lie in a slot so that sums are as wgmma_epilogue.cuh says.
inline constexpr int kPairs = kRun / 2;              // of columns, in a run
inline constexpr int kPairRows = kColumns / kPairs;  // rows of W that one copy brings

struct Slot {
  uint8_t x[kRows * kDepth];
  uint8_t w[kColumns * kDepth];
};
struct alignas(1024) Memory {
  Slot slots[kStages];
  TileTerms terms[kMultipliers];
  device::Mbarrier full[kStages];
  device::Mbarrier empty[kStages];
};

// Where a walk through the ring is.
struct Ring {
  int slot = 0;
  uint32_t parity = 0;
  __device__ void next() {
    slot = slot + 1 == kStages ? 0 : slot + 1;
    if (slot == 0) parity ^= 1;
  }
};

struct Work {
  int tile_rows, tile_columns;  // in tiles of a cluster
  int slots_per_tile;
};

struct TilePosition {
  int row, column;  // in tiles
};

// Tiles are numbered down kRasterRows rows of tiles, then across: clusters that run side by side
// share few rows of x and of W, which stay in L2.
__device__ inline TilePosition tile_at(int index, const Work& work) {
  const int band = index / (kRasterRows * work.tile_columns);
  const int first = band * kRasterRows;
  const int height = work.tile_rows - first < kRasterRows ? work.tile_rows - first : kRasterRows;
  const int within = index - first * work.tile_columns;
  return {first + within % height, within / height};
}

// One warp.
__device__ inline void bring(const CUtensorMap& x_map, const CUtensorMap& w_map, const Work& work,
                             Memory& memory) {
  constexpr uint16_t kAll = (1 << kCluster) - 1;
  constexpr int kOwnPairs = kPairs / kCluster;
  const int block = static_cast<int>(device::block_in_cluster());
  Ring ring;
  for (int tile = static_cast<int>(blockIdx.x) / kCluster;
       tile < work.tile_rows * work.tile_columns; tile += static_cast<int>(gridDim.x) / kCluster) {
    const TilePosition at = tile_at(tile, work);
    const int row = (at.row * kCluster + block) * kRows;
    const int column = at.column * kColumns;
    for (int k = 0; k < work.slots_per_tile; ++k, ring.next()) {
      Slot& slot = memory.slots[ring.slot];
      device::Mbarrier& full = memory.full[ring.slot];
      device::mbarrier_wait(memory.empty[ring.slot], ring.parity ^ 1);
      if (device::lane() == 0) {
        device::mbarrier_arrive_expecting(full, sizeof(Slot));
        device::copy_box(slot.x, x_map, full, k * kDepth, row);
#pragma unroll
        for (int i = 0; i < kOwnPairs; ++i) {
          const int pair = block * kOwnPairs + i;
          uint8_t* to = slot.w + pair * kPairRows * kDepth;
          device::copy_box_to(kAll, to, w_map, full, k * kDepth, 0, pair, 0, column / kColumnGroup);
        }
      }
      device::sync_warp();
    }
  }
}

// One of the warpgroups that multiply.
template <ops::Epilogue kEpilogue, typename T, bool kSquares>
__device__ inline void multiply(int group, const ProductEnd& end, const Work& work,
                                Memory& memory) {
  const int block = static_cast<int>(device::block_in_cluster());
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads;
  const int row_in_tile = group * kGroupRows + thread / device::kWarpSize * 16 + device::lane() / 4;
  const int lane_column = device::lane() % 4 * kRun;
  TileTerms& terms = memory.terms[group];
  const auto release = [&](int slot) {
    if (device::lane() < kCluster) {
      device::mbarrier_arrive_at(memory.empty[slot], static_cast<uint32_t>(device::lane()));
    }
  };
  Ring ring;
  int32_t sums[128];
  for (int tile = static_cast<int>(blockIdx.x) / kCluster;
       tile < work.tile_rows * work.tile_columns; tile += static_cast<int>(gridDim.x) / kCluster) {
    const TilePosition at = tile_at(tile, work);
    const int64_t row = (int64_t{at.row} * kCluster + block) * kRows + row_in_tile;
    const int64_t column = int64_t{at.column} * kColumns;
    device::sync_part<kGroupThreads>(1 + group);  // nobody reads the terms of the tile before
    bring_terms<kEpilogue>(end, column, thread, terms);
    device::cp_async_commit();
    const float x_scale[kEights] = {row_term(end, row), row_term(end, row + 8)};
    int before = 0;
#pragma unroll 1
    for (int k = 0; k < work.slots_per_tile; ++k, ring.next()) {
      const Slot& slot = memory.slots[ring.slot];
      device::mbarrier_wait(memory.full[ring.slot], ring.parity);
      const uint64_t x = device::wgmma_operand(slot.x + group * kGroupRows * kDepth);
      const uint64_t w = device::wgmma_operand(slot.w);
      device::wgmma_fence();
#pragma unroll
      for (int step = 0; step < kDepth / kStepBytes; ++step) {
        device::wgmma_s8_64x256(sums, x + 2 * step, w + 2 * step, k > 0 || step > 0);
      }
      device::wgmma_commit();
      if (k > 0) {
        device::wgmma_wait<1>();
        release(before);
      }
      before = ring.slot;
    }
    LaneRows<kEpilogue, T> rows(end, row, column + lane_column);
    device::cp_async_wait<0>();
    device::sync_part<kGroupThreads>(1 + group);
    device::wgmma_wait<0>();
    release(before);
    finish_sums<kEpilogue, T, kSquares>(end, terms, rows, x_scale, row, column, lane_column, sums);
  }
}

// grid: whole clusters, up to one per tile of a cluster; block = kThreads, shared = Memory. T is of
// out, which takes whole runs, as the terms do.
template <ops::Epilogue kEpilogue, typename T, bool kSquares>
__global__ void __launch_bounds__(kThreads, 1) __cluster_dims__(kCluster)
    wgmma_kernel(const __grid_constant__ CUtensorMap x_map,
                 const __grid_constant__ CUtensorMap w_map, const ProductEnd end, const Work work) {
  const device::Shared<Memory> memory;
  if (threadIdx.x == 0) {
    for (int slot = 0; slot < kStages; ++slot) {
      device::mbarrier_init(memory->full[slot], 1);
      device::mbarrier_init(memory->empty[slot], kCluster * kMultipliers * 4);
    }
    device::mbarrier_publish();
  }
  device::sync_cluster();
  const int group = static_cast<int>(threadIdx.x) / kGroupThreads;
  if (group == 0) {
    device::give_back_registers<40>();
    if (threadIdx.x < device::kWarpSize) bring(x_map, w_map, work, *memory);
  } else {
    device::take_registers<232>();
    multiply<kEpilogue, T, kSquares>(group - 1, end, work, *memory);
  }
  // Nobody leaves while another may still write to its shared memory.
  device::sync_cluster();
}

}  // namespace reel::cuda::wgmma
