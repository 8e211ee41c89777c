// SPDX-License-Identifier: Apache-2.0
// The tiles of product_tile.cuh, and where a lane's sums are in them.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/product_epilogue.cuh"

namespace reel::cuda {

inline constexpr int kDepth = 64;  // of a row, in one slot of the ring
inline constexpr int kWarpColumns = 64;
inline constexpr int kWarpFragments = kWarpColumns / 8;
// A lane has a run of each 32 neighbours, since W's rows are permuted: see w_row().
inline constexpr int kColumnGroup = 32;
inline constexpr int kGroups = kWarpColumns / kColumnGroup;

template <int kDown_, int kWarpsDown_, int kWarpsAcross_, int kStages_, int kBlocksPerProcessor_>
struct TileShape {
  static constexpr int kDown = kDown_;  // fragments of 16 rows in a warp
  static constexpr int kWarpsAcross = kWarpsAcross_;
  static constexpr int kStages = kStages_;
  static constexpr int kBlocksPerProcessor = kBlocksPerProcessor_;
  static constexpr int kWarpRows = 16 * kDown;
  static constexpr int kRows = kWarpRows * kWarpsDown_;
  static constexpr int kColumns = kWarpColumns * kWarpsAcross;
  static constexpr int kThreads = 32 * kWarpsDown_ * kWarpsAcross;
  static_assert(kColumns == 128, "sums of squares cover 128 columns");
};

// 256 x 128: 12 bytes of L2 a clock and processor at Ada's INT8 rate, where 128 x 128 would
// need 16. 128 sums a thread leave one block a processor; the ring takes 96 of its 99 KiB.
using LargeTile = TileShape</*kDown=*/4, /*kWarpsDown=*/4, /*kWarpsAcross=*/2, /*kStages=*/4, 1>;
// 64 x 128, so that the few rows of a text fill a GPU.
using SmallTile = TileShape</*kDown=*/2, /*kWarpsDown=*/2, /*kWarpsAcross=*/2, /*kStages=*/4, 2>;
inline constexpr int64_t kRowsForLargeTile = 1024;

struct TilePosition {
  int row, column;  // in tiles
};

// Tiles are numbered down kRasterRows rows of tiles, then across: blocks that run side by side
// share few rows of x and of W, which stay in L2.
inline constexpr int kRasterRows = 8;

__device__ inline TilePosition tile_at(int index, int tile_rows, int tile_columns) {
  const int band = index / (kRasterRows * tile_columns);
  const int first = band * kRasterRows;
  const int height = tile_rows - first < kRasterRows ? tile_rows - first : kRasterRows;
  const int within = index - first * tile_columns;
  return {first + within % height, within / height};
}

// The row of W whose products are column `position` of a slot. A lane's sums of kColumnGroup
// columns are kRun neighbours where kPiece is kRun. Where it is half of that they are twice four,
// half a group apart: f32 is stored by four, and so the lanes of a row fill whole sectors.
template <int kPiece>
__device__ inline int w_row(int position) {
  constexpr int kOfQuad = 4 * kPiece;  // columns next to each other of the lanes that share a row
  const int within = position % kOfQuad;
  return position - within + kPiece * (within % 8 / 2) + 2 * (within / 8) + within % 2;
}

// Fragment h of kColumnGroup columns, of lane l with l % 4 = t: rows 8 apart of columns 2 t and
// 2 t + 1 of the fragment.
template <typename Product, int kDown>
using Sums = typename Product::Sum[kDown][kWarpFragments][4];

// Of this lane's sums: their first row of a tile, and which of the tile's warps across it is in.
template <typename Shape>
__device__ inline int lane_row() {
  return device::warp_in_block() / Shape::kWarpsAcross * Shape::kWarpRows + device::lane() / 4;
}
template <typename Shape>
__device__ inline int warp_across() {
  return device::warp_in_block() % Shape::kWarpsAcross;
}

// Sums of squares of 64 columns, of every row of a tile.
template <typename Shape>
using TileSquares = float[Shape::kRows][Shape::kWarpsAcross];

// Adds the two warps' halves of 128 columns. Every thread of the block calls.
template <typename Shape>
__device__ inline void store_squares(const ProductEnd& end, TilePosition tile,
                                     const TileSquares<Shape>& squares) {
  device::sync_block();
  for (int row = static_cast<int>(threadIdx.x); row < Shape::kRows; row += Shape::kThreads) {
    const int64_t at = int64_t{tile.row} * Shape::kRows + row;
    if (at >= end.rows) continue;
    end.sum_squares[at * (end.columns / Shape::kColumns) + tile.column] =
        squares[row][0] + squares[row][1];
  }
}

}  // namespace reel::cuda
