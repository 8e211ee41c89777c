// SPDX-License-Identifier: Apache-2.0
// The end of a tile of product_tile.cuh, whatever the epilogue, the dtype and the columns.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/product_epilogue.cuh"
#include "backends/cuda/product_shape.cuh"

namespace reel::cuda {

template <typename Shape>
class AnyEnd {
 public:
  static constexpr int kPiece = kRun;
  static constexpr bool kBringsTerms = false;
  struct Memory {
    TileSquares<Shape> squares;
  };

  __device__ AnyEnd(const ProductEnd& end, TilePosition tile, Memory& memory)
      : end_(end), tile_(tile), memory_(memory) {}

  // Stores the sums of a tile. Every thread of the block calls.
  template <typename Product>
  __device__ void store(const Sums<Product, Shape::kDown>& sums) {
    const int64_t first_row = int64_t{tile_.row} * Shape::kRows + lane_row<Shape>();
    const int64_t first_column = int64_t{tile_.column} * Shape::kColumns +
                                 warp_across<Shape>() * kWarpColumns + device::lane() % 4 * kRun;
    float squares[2 * Shape::kDown];  // of rows 8 apart
#pragma unroll
    for (int half = 0; half < kGroups; ++half) {
      const int64_t column = first_column + half * kColumnGroup;
      const ColumnTerms terms = column_terms(end_, column);
#pragma unroll
      for (int eight = 0; eight < 2 * Shape::kDown; ++eight) {
        const int64_t row = first_row + eight * 8;
        float y[kRun];
#pragma unroll
        for (int i = 0; i < kRun; ++i) {
          y[i] = static_cast<float>(sums[eight / 2][half * 4 + i / 2][eight % 2 * 2 + i % 2]);
        }
        if (row < end_.rows && column < end_.columns) finish_run(end_, terms, row, column, y);
        const float sum = sum_of_squares(y);
        squares[eight] = half == 0 ? sum : squares[eight] + sum;
      }
    }
    if (end_.sum_squares != nullptr) add_squares(squares);
  }

 private:
  __device__ void add_squares(const float (&squares)[2 * Shape::kDown]) {
#pragma unroll
    for (int eight = 0; eight < 2 * Shape::kDown; ++eight) {
      const float sum = sum_of_quad(squares[eight]);
      if (device::lane() % 4 == 0) {
        memory_.squares[lane_row<Shape>() + eight * 8][warp_across<Shape>()] = sum;
      }
    }
    store_squares<Shape>(end_, tile_, memory_.squares);
  }

  const ProductEnd& end_;
  TilePosition tile_;
  Memory& memory_;
};

}  // namespace reel::cuda
