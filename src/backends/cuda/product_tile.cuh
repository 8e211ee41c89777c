// SPDX-License-Identifier: Apache-2.0
// x W^T on the tensor cores, for elements of one or two bytes.
//
// A block computes tiles of kRows x kColumns, one after the other. Rows of x and of W come into
// shared memory 64 bytes at a time through a ring of kStages slots, filled kStages - 1 ahead by
// cp.async, across the border of two tiles too: the loads of the next tile run under the epilogue
// of this one. A warp multiplies kDown x 4 fragments of 16 rows by 16 columns.
//
// Bound by the tensor cores. Of L2 it asks (kRows + kColumns) / (2 kRows kColumns) bytes per
// operation; shared memory is written once and read kColumns / 64 times (x), kRows / (16 kDown)
// times (W). Rows in memory start at multiples of 16 bytes.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"
#include "backends/cuda/product_any_end.cuh"
#include "backends/cuda/product_epilogue.cuh"
#include "backends/cuda/product_shape.cuh"

namespace reel::cuda {

// The element types: what 32 bytes of a row of x times 32 bytes of a row of W add up to.
struct Int8Product {
  using Sum = int32_t;
  static __device__ void multiply(int32_t (&sums)[4], const uint32_t (&x)[4],
                                  const uint32_t (&w)[2]) {
    device::mma_s8(sums, x, w);
  }
};
struct F16Product {
  using Sum = float;
  static __device__ void multiply(float (&sums)[4], const uint32_t (&x)[4],
                                  const uint32_t (&w)[2]) {
    device::mma_f16(sums, x, w);
  }
};
struct BF16Product {
  using Sum = float;
  static __device__ void multiply(float (&sums)[4], const uint32_t (&x)[4],
                                  const uint32_t (&w)[2]) {
    device::mma_bf16(sums, x, w);
  }
};

inline constexpr int kStepBytes = 32;  // of a row, in one multiplication
inline constexpr int kChunk = 16;      // what one thread copies at a time

template <typename Shape>
struct TileSlot {
  uint8_t x[Shape::kRows * kDepth];
  uint8_t w[Shape::kColumns * kDepth];
};
template <typename Shape, typename End>
struct alignas(128) TileMemory {
  TileSlot<Shape> slots[Shape::kStages];
  typename End::Memory end;
};

struct ProductOperands {
  const uint8_t* x;   // [rows, row_bytes * XLoad::kRatio]
  const uint8_t* w;   // [columns, row_bytes]
  int64_t row_bytes;  // a multiple of 16
};

// Where 16 bytes lie in an array of rows of kDepth bytes. Eight rows below each other differ in
// their banks, for ldmatrix.
__device__ inline int swizzled(int row, int chunk) {
  return row * kDepth + ((chunk ^ ((row >> 1) & 3)) * kChunk);
}

// How 16 bytes of x get into shared memory: as they lie, or rounded to the elements of W.
struct CopyX {
  static constexpr int kRatio = 1;  // bytes in memory for each byte of a slot
  static __device__ void chunk(uint8_t* to, const uint8_t* from, bool valid) {
    device::cp_async_16(to, from, valid);
  }
};
template <typename From, typename To>
struct RoundX {
  static constexpr int kRatio = sizeof(From) / sizeof(To);
  static_assert(sizeof(To) * kRun == kChunk);
  static __device__ void chunk(uint8_t* to, const uint8_t* from, bool valid) {
    float x[kRun];
    load_run(reinterpret_cast<const From*>(from), 0, valid ? kRun : 0, true, x);
    store_run(reinterpret_cast<To*>(to), 0, kRun, true, x);
  }
};

// Brings slots of x and W, one after the other, tile after tile.
template <typename Shape, typename XLoad, int kPiece>
class TileLoader {
 public:
  __device__ TileLoader(const ProductOperands& operands, const ProductEnd& end, int tile_rows,
                        int tile_columns)
      : operands_(operands),
        end_(end),
        tile_rows_(tile_rows),
        tile_columns_(tile_columns),
        tile_(static_cast<int>(blockIdx.x)) {
    start_tile();
  }

  // Starts the copies of the next slot; nothing after the last tile.
  __device__ void load_next(TileSlot<Shape>& slot) {
    if (tile_ >= tile_rows_ * tile_columns_) return;
    const bool in_row = at_ + own_chunk() * kChunk < row_bytes();
    copy<XLoad, Shape::kRows>(slot.x, x_, x_left_, in_row);
    copy<CopyX, Shape::kColumns>(slot.w, w_, w_left_, in_row);
    at_ += kDepth;
    x_ += kDepth * XLoad::kRatio;
    w_ += kDepth;
    if (at_ < row_bytes()) return;
    tile_ += static_cast<int>(gridDim.x);
    if (tile_ < tile_rows_ * tile_columns_) start_tile();
  }

 private:
  static constexpr int kRowsAtOnce = Shape::kThreads * kChunk / kDepth;
  static_assert(kRowsAtOnce % kColumnGroup == 0);

  __device__ int row_bytes() const { return static_cast<int>(operands_.row_bytes); }
  static __device__ int own_row() { return static_cast<int>(threadIdx.x) * kChunk / kDepth; }
  static __device__ int own_chunk() { return static_cast<int>(threadIdx.x) % (kDepth / kChunk); }

  __device__ void start_tile() {
    const TilePosition tile = tile_at(tile_, tile_rows_, tile_columns_);
    const int64_t row = int64_t{tile.row} * Shape::kRows + own_row();
    const int64_t column = int64_t{tile.column} * Shape::kColumns + w_row<kPiece>(own_row());
    at_ = 0;
    x_ = operands_.x + (row * operands_.row_bytes + own_chunk() * kChunk) * XLoad::kRatio;
    w_ = operands_.w + column * operands_.row_bytes + own_chunk() * kChunk;
    x_left_ = static_cast<int>(end_.rows - row < Shape::kRows ? end_.rows - row : Shape::kRows);
    w_left_ = static_cast<int>(end_.columns - column < Shape::kColumns ? end_.columns - column
                                                                       : Shape::kColumns);
  }

  template <typename Load, int kRows>
  __device__ void copy(uint8_t* to, const uint8_t* from, int left, bool in_row) {
#pragma unroll
    for (int row = 0; row < kRows; row += kRowsAtOnce) {
      Load::chunk(to + row * kDepth + swizzled(own_row(), own_chunk()),
                  from + row * operands_.row_bytes * Load::kRatio, in_row && row < left);
    }
  }

  const ProductOperands& operands_;
  const ProductEnd& end_;
  int tile_rows_, tile_columns_;
  int tile_;
  int at_;  // in the row
  const uint8_t* x_;
  const uint8_t* w_;
  int x_left_, w_left_;  // rows from this thread's first on
};

// What a warp multiplies in one step.
template <int kDown>
struct Fragments {
  uint32_t x[kDown][4];
  uint32_t w[kWarpFragments][2];
};

// This warp's 32 bytes of depth number `step` (0 or 1) of a slot.
template <typename Shape>
__device__ inline void load_fragments(const TileSlot<Shape>& slot, int step,
                                      Fragments<Shape::kDown>& to) {
  const int lane = device::lane();
  const int warp_row = device::warp_in_block() / Shape::kWarpsAcross * Shape::kWarpRows;
  const int warp_column = device::warp_in_block() % Shape::kWarpsAcross * kWarpColumns;
  const int x_at = swizzled(warp_row + lane % 16, 2 * step + lane / 16);
#pragma unroll
  for (int down = 0; down < Shape::kDown; ++down) {
    device::ldmatrix_x4(to.x[down], slot.x + x_at + down * 16 * kDepth);
  }
  const int w_at = swizzled(warp_column + lane % 8 + lane / 16 * 8, 2 * step + lane / 8 % 2);
#pragma unroll
  for (int pair = 0; pair < kWarpFragments / 2; ++pair) {
    uint32_t both[4];
    device::ldmatrix_x4(both, slot.w + w_at + pair * 16 * kDepth);
    to.w[2 * pair][0] = both[0];
    to.w[2 * pair][1] = both[1];
    to.w[2 * pair + 1][0] = both[2];
    to.w[2 * pair + 1][1] = both[3];
  }
}

template <typename Product, int kDown>
__device__ inline void multiply(const Fragments<kDown>& from, Sums<Product, kDown>& sums) {
#pragma unroll
  for (int column = 0; column < kWarpFragments; ++column) {
#pragma unroll
    for (int down = 0; down < kDown; ++down) {
      Product::multiply(sums[down][column], from.x[down], from.w[column]);
    }
  }
}

template <typename Product, int kDown>
__device__ inline void clear(Sums<Product, kDown>& sums) {
#pragma unroll
  for (int down = 0; down < kDown; ++down) {
#pragma unroll
    for (int column = 0; column < kWarpFragments; ++column) {
#pragma unroll
      for (int i = 0; i < 4; ++i) sums[down][column][i] = 0;
    }
  }
}

// grid: up to one block per tile, fewer take several each; block = Shape::kThreads,
// shared = TileMemory<Shape, End>. End is AnyEnd or KnownEnd.
template <typename Product, typename Shape, typename XLoad, typename End>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerProcessor)
    product_kernel(const ProductOperands operands, const ProductEnd end) {
  constexpr int kAhead = Shape::kStages - 1;
  const device::Shared<TileMemory<Shape, End>> memory;
  const int tile_rows = static_cast<int>((end.rows + Shape::kRows - 1) / Shape::kRows);
  const int tile_columns = static_cast<int>((end.columns + Shape::kColumns - 1) / Shape::kColumns);
  const int slots_per_tile = static_cast<int>((operands.row_bytes + kDepth - 1) / kDepth);

  TileLoader<Shape, XLoad, End::kPiece> loader(operands, end, tile_rows, tile_columns);
#pragma unroll
  for (int slot = 0; slot < kAhead; ++slot) {
    loader.load_next(memory->slots[slot]);
    device::cp_async_commit();
  }
  device::cp_async_wait<kAhead - 1>();
  device::sync_block();

  Sums<Product, Shape::kDown> sums;
  Fragments<Shape::kDown> even;
  Fragments<Shape::kDown> odd;
  int slot = 0;
  for (int tile = static_cast<int>(blockIdx.x); tile < tile_rows * tile_columns;
       tile += static_cast<int>(gridDim.x)) {
    End tile_end(end, tile_at(tile, tile_rows, tile_columns), memory->end);
    // Here rather than in the loop, where a branch would be taken in every slot.
    if constexpr (End::kBringsTerms) {
      device::sync_block();  // Now nobody ends the tile before.
      tile_end.bring_terms();
    }
    clear<Product, Shape::kDown>(sums);
    // Again: what is read at the end of the loop is not kept over the end of a tile.
    load_fragments<Shape>(memory->slots[slot], 0, even);
    for (int left = slots_per_tile; left > 0; --left) {
      load_fragments<Shape>(memory->slots[slot], 1, odd);
      // The slot before this one: everybody was through with it at the last barrier.
      loader.load_next(memory->slots[slot == 0 ? kAhead : slot - 1]);
      device::cp_async_commit();
      multiply<Product>(even, sums);
      device::cp_async_wait<kAhead - 1>();
      device::sync_block();
      slot = slot == kAhead ? 0 : slot + 1;
      // After the last slot of a tile this reads the next one's, or an old one, for nothing.
      load_fragments<Shape>(memory->slots[slot], 0, even);
      multiply<Product>(odd, sums);
    }
    if constexpr (End::kBringsTerms) {
      // They belong to the group of the first slot, which is waited for kAhead - 1 slots later.
      if (slots_per_tile < kAhead) {
        device::cp_async_wait<0>();
        device::sync_block();
      }
    }
    tile_end.template store<Product>(sums);
  }
}

template <typename Product, typename Shape, typename XLoad = CopyX, typename End = AnyEnd<Shape>>
void launch_product(const char* name, const ProductOperands& operands, const ProductEnd& end,
                    Stream stream) {
  const int64_t tiles = (end.rows + Shape::kRows - 1) / Shape::kRows *
                        ((end.columns + Shape::kColumns - 1) / Shape::kColumns);
  const int64_t resident = int64_t{processor_count()} * Shape::kBlocksPerProcessor;
  launch(name, product_kernel<Product, Shape, XLoad, End>,
         {.grid = dim3(static_cast<unsigned>(tiles < resident ? tiles : resident)),
          .block = dim3(Shape::kThreads),
          .shared_bytes = sizeof(TileMemory<Shape, End>),
          .stream = static_cast<cudaStream_t>(stream.handle)},
         operands, end);
}

}  // namespace reel::cuda
