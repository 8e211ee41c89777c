// SPDX-License-Identifier: Apache-2.0
// How wgmma_tile.cuh ends a tile. See known_epilogue.cuh.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/known_epilogue.cuh"
#include "backends/cuda/product_epilogue.cuh"
#include "backends/cuda/row_runs.cuh"

namespace reel::cuda::wgmma {

// A lane's columns are eight in a row, as in product_shape.cuh: fragment 8 h + g of a row's sums
// has columns 32 g + 8 t + 2 h and the next, for lanes with l % 4 = t.
inline constexpr int kColumns = 256;  // of a tile
inline constexpr int kColumnGroup = 32;
inline constexpr int kGroups = kColumns / kColumnGroup;
inline constexpr int kEights = 2;  // rows of a lane, eight apart

using TileTerms = Terms<kColumns, /*kGated=*/true>;

// Groups are ended two at a time, in a loop: unrolled, the code of a tile's end is more than the
// instruction cache holds, and every tile would fetch it from L2.
inline constexpr int kLoopGroups = 2;
inline constexpr int kLoopColumns = kLoopGroups * kColumnGroup;

// Where a lane's numbers of `out` are, and what was there, for the groups that end next.
template <ops::Epilogue kEpilogue, typename T>
struct LaneRows {
  T* out[kEights];       // the first of its columns
  bool valid[kEights];   // whether the row is one
  int64_t columns_left;  // of the matrix and the tile, from there on
  RunOf<T> old[kLoopGroups][kEights];

  __device__ LaneRows(const ProductEnd& end, int64_t row, int64_t column)
      : columns_left(end.columns - column < kColumns ? end.columns - column : kColumns) {
#pragma unroll
    for (int eight = 0; eight < kEights; ++eight) {
      out[eight] = static_cast<T*>(end.out) + (row + 8 * eight) * end.columns + column;
      valid[eight] = row + 8 * eight < end.rows;
    }
#pragma unroll
    for (int group = 0; group < kLoopGroups; ++group) {
#pragma unroll
      for (int eight = 0; eight < kEights; ++eight) load_old(group, eight, 0);
    }
  }
  // Of a group of those that end `columns` further.
  __device__ void load_old(int group, int eight, int columns) {
    if constexpr (kEpilogue != ops::Epilogue::kGatedAdd) return;
    const int at = columns + group * kColumnGroup;
    if (at >= columns_left || !valid[eight]) return;
    old[group][eight] = *reinterpret_cast<const RunOf<T>*>(out[eight] + at);
  }
  __device__ void next() {
#pragma unroll
    for (int eight = 0; eight < kEights; ++eight) out[eight] += kLoopColumns;
    columns_left -= kLoopColumns;
  }
};

// Ends one of kLoopGroups. `squares` gets the stored numbers' of a lane's run.
template <ops::Epilogue kEpilogue, typename T>
__device__ inline void finish_group(int group, const ColumnTerms& terms,
                                    LaneRows<kEpilogue, T>& rows, const float (&x_scale)[kEights],
                                    const int32_t (&sums)[kColumns / 2],
                                    float (&squares)[kEights]) {
#pragma unroll
  for (int eight = 0; eight < kEights; ++eight) {
    float old[kRun];
    if constexpr (kEpilogue == ops::Epilogue::kGatedAdd) {
      widen_run(rows.old[group][eight], old);
      // Before the store: afterwards the compiler cannot know that the load does not depend on it.
      rows.load_old(group, eight, kLoopColumns);
    }
    float y[kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      y[i] = static_cast<float>(sums[(i / 2 * kGroups + group) * 4 + 2 * eight + i % 2]);
    }
    end_run<kEpilogue>(terms, x_scale[eight], old, y);
    store_rounded<kRun>(rows.out[eight] + group * kColumnGroup, rows.valid[eight], y);
    squares[eight] = sum_of_squares(y);
  }
}

// Moves the groups that end next to where the first were.
__device__ inline void move_groups(int32_t (&sums)[kColumns / 2]) {
  constexpr int kInGroup = 4;  // sums of a fragment
#pragma unroll
  for (int pair = 0; pair < kRun / 2; ++pair) {
#pragma unroll
    for (int at = 0; at < (kGroups - kLoopGroups) * kInGroup; ++at) {
      sums[pair * kGroups * kInGroup + at] =
          sums[pair * kGroups * kInGroup + at + kLoopGroups * kInGroup];
    }
  }
}

// Stores the sums of a lane, and changes them. `row` is its first; `column` the tile's first and
// `lane_column` the lane's, from there on.
template <ops::Epilogue kEpilogue, typename T, bool kSquares>
__device__ inline void finish_sums(const ProductEnd& end, const TileTerms& terms,
                                   LaneRows<kEpilogue, T>& rows, const float (&x_scale)[kEights],
                                   int64_t row, int64_t column, int lane_column,
                                   int32_t (&sums)[kColumns / 2]) {
  float of_first[kEights];  // squares of the first 64 of 128 columns
#pragma unroll 1
  for (int loop = 0; loop < kGroups / kLoopGroups; ++loop) {
    float squares[kLoopGroups][kEights];
#pragma unroll
    for (int group = 0; group < kLoopGroups; ++group) {
      if (group * kColumnGroup >= rows.columns_left) return;
      const int at = lane_column + loop * kLoopColumns + group * kColumnGroup;
      finish_group(group, terms_of_run<kEpilogue, kRun>(terms, at), rows, x_scale, sums,
                   squares[group]);
    }
    if constexpr (kSquares) {
      // The order of product_shape.cuh, whose warps have 64 columns.
#pragma unroll
      for (int eight = 0; eight < kEights; ++eight) {
        const float of_64 = sum_of_quad(squares[0][eight] + squares[1][eight]);
        if (loop % 2 == 0) {
          of_first[eight] = of_64;
        } else if (device::lane() % 4 == 0 && rows.valid[eight]) {
          end.sum_squares[(row + 8 * eight) * (end.columns / 128) + column / 128 + loop / 2] =
              of_first[eight] + of_64;
        }
      }
    }
    rows.next();
    move_groups(sums);
  }
}

}  // namespace reel::cuda::wgmma
