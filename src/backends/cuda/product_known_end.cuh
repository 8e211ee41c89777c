// SPDX-License-Identifier: Apache-2.0
// The end of a tile of product_tile.cuh by code that knows the epilogue and the dtype: the same
// bytes as product_any_end.cuh.
//
// Rows are ended 16 of a warp's at a time, in a loop: unrolled, the code of a tile's end is more
// than the instruction cache holds, and every tile would fetch it from L2.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/compute_here.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/known_epilogue.cuh"
#include "backends/cuda/product_epilogue.cuh"
#include "backends/cuda/product_shape.cuh"

namespace reel::cuda {

// T is of out, whose columns are a multiple of kColumnGroup.
template <typename Shape, ops::Epilogue kEpilogue, typename T, bool kSquares>
class KnownEnd {
  static constexpr bool kGated = kEpilogue == ops::Epilogue::kGatedAdd;
  static constexpr int kEights = 2;  // rows of a lane in a round, eight apart
  static constexpr int kRoundRows = 8 * kEights;

 public:
  // Squares are added in the order of neighbours.
  static constexpr int kPiece = kSquares ? kRun : 16 / sizeof(T);
  static constexpr bool kBringsTerms = true;
  // With squares, all that LargeTile's ring leaves of 99 KiB.
  struct Memory {
    Terms<Shape::kColumns, kGated> terms;
    float squares[kSquares ? Shape::kRows : 1][Shape::kWarpsAcross];
  };

  // `end` stays the caller's.
  __device__ KnownEnd(const ProductEnd& end, TilePosition tile, Memory& memory)
      : end_(end), tile_(tile), memory_(memory) {
    load_scales(first_row());
  }

  // Starts to copy what the columns need. Everybody is through with the tile before.
  __device__ void bring_terms() {
    cuda::bring_terms<kEpilogue>(end_, int64_t{tile_.column} * Shape::kColumns,
                                 static_cast<int>(threadIdx.x), memory_.terms);
  }

  // Stores the sums of a tile; the terms have come. Every thread of the block calls.
  template <typename Product>
  __device__ void store(const Sums<Product, Shape::kDown>& sums) {
    const int64_t column = int64_t{tile_.column} * Shape::kColumns + lane_column();
#pragma unroll
    for (int eight = 0; eight < kEights; ++eight) {
      out_[eight] = static_cast<T*>(end_.out) + (first_row() + 8 * eight) * end_.columns + column;
    }
    // Of this warp's: the next round of its last is another's.
    const int64_t rows = end_.rows - first_row();
    rows_left_ = static_cast<int>(rows < Shape::kWarpRows ? rows : Shape::kWarpRows);
#pragma unroll
    for (int group = 0; group < kGroups; ++group) {
      has_group_[group] = column + group * kColumnGroup < end_.columns;
#pragma unroll
      for (int eight = 0; eight < kEights; ++eight) {
        old_[group][eight] = {};
        load_old(group, eight, 0);
      }
    }
#pragma unroll 1
    for (int down = 0; down < Shape::kDown; ++down) {
      finish_round<Product>(down, sums);
    }
    if constexpr (kSquares) store_squares<Shape>(end_, tile_, memory_.squares);
  }

 private:
  __device__ static int lane_column() {
    return warp_across<Shape>() * kWarpColumns + device::lane() % 4 * kPiece;
  }
  __device__ int64_t first_row() const {
    return int64_t{tile_.row} * Shape::kRows + lane_row<Shape>();
  }
  // Whether a run of this round (rows = 0) or the next is one of the matrix.
  __device__ bool has(int group, int eight, int rows) const {
    return has_group_[group] && rows + 8 * eight < rows_left_;
  }

  __device__ void load_scales(int64_t row) {
#pragma unroll
    for (int eight = 0; eight < kEights; ++eight) x_scale_[eight] = row_term(end_, row + 8 * eight);
  }

  __device__ void load_old(int group, int eight, int rows) {
    if constexpr (!kGated) return;
    if (!has(group, eight, rows)) return;
    old_[group][eight] =
        load_pieces<kPiece>(out_[eight] + rows * end_.columns + group * kColumnGroup);
  }

  // Of a round's sums those of one group. The number of a round is known only when the kernel runs,
  // but registers have fixed numbers: this is a branch to one of kDown copies of the same moves.
  template <typename Product>
  static __device__ void take(const Sums<Product, Shape::kDown>& sums, int round, int group,
                              float (&y)[kEights][kRun]) {
    typename Product::Sum taken[kEights][kRun];
#pragma unroll
    for (int down = 0; down < Shape::kDown; ++down) {
      if (down > 0 && down != round) continue;
#pragma unroll
      for (int eight = 0; eight < kEights; ++eight) {
#pragma unroll
        for (int i = 0; i < kRun; ++i) {
          taken[eight][i] = sums[down][group * kRun / 2 + i / 2][eight * 2 + i % 2];
        }
      }
    }
#pragma unroll
    for (int eight = 0; eight < kEights; ++eight) {
#pragma unroll
      for (int i = 0; i < kRun; ++i) y[eight][i] = static_cast<float>(taken[eight][i]);
    }
  }

  template <typename Product>
  __device__ void finish_round(int round, const Sums<Product, Shape::kDown>& sums) {
    const float x_scale[kEights] = {x_scale_[0], x_scale_[1]};
    if (round + 1 < Shape::kDown) load_scales(first_row() + (round + 1) * kRoundRows);
    float squares[kEights] = {};
#pragma unroll
    for (int group = 0; group < kGroups; ++group) {
      float y[kEights][kRun];
      take<Product>(sums, round, group, y);
      finish_group(group, x_scale, y, squares);
    }
    if constexpr (kSquares) keep_squares(round, squares);
#pragma unroll
    for (int eight = 0; eight < kEights; ++eight) out_[eight] += kRoundRows * end_.columns;
    rows_left_ -= kRoundRows;
  }

  __device__ void finish_group(int group, const float (&x_scale)[kEights],
                               float (&y)[kEights][kRun], float (&squares)[kEights]) {
    const ColumnTerms terms =
        terms_of_run<kEpilogue, kPiece>(memory_.terms, lane_column() + group * kColumnGroup);
#pragma unroll
    for (int eight = 0; eight < kEights; ++eight) {
      float old[kRun];
      widen_run(old_[group][eight], old);
      end_run<kEpilogue>(terms, x_scale[eight], old, y[eight]);
      // The registers of old numbers are free again. They are filled before the store: behind it
      // the compiler cannot know that the load does not depend on it.
      device::compute_here(y[eight]);
      load_old(group, eight, kRoundRows);
      store_rounded<kPiece>(out_[eight] + group * kColumnGroup, has(group, eight, 0), y[eight]);
      const float sum = sum_of_squares(y[eight]);
      squares[eight] = group == 0 ? sum : squares[eight] + sum;
    }
  }

  __device__ void keep_squares(int round, const float (&squares)[kEights]) {
#pragma unroll
    for (int eight = 0; eight < kEights; ++eight) {
      const float sum = sum_of_quad(squares[eight]);
      const int row = lane_row<Shape>() + round * kRoundRows + 8 * eight;
      if (device::lane() % 4 == 0) memory_.squares[row][warp_across<Shape>()] = sum;
    }
  }

  const ProductEnd& end_;
  TilePosition tile_;
  Memory& memory_;
  float x_scale_[kEights];  // of the rows that are ended next
  T* out_[kEights];         // this lane's first numbers of them
  int rows_left_;           // of the matrix and the warp, from the first of them on
  bool has_group_[kGroups];
  RunOf<T> old_[kGroups][kEights];  // what was in `out` before
};

}  // namespace reel::cuda
