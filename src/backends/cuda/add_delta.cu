// SPDX-License-Identifier: Apache-2.0
// What LoRAs add to weights that are widened to f32.
//
// Bound by FFMA issue: a thread adds 4 x 4 products for every 8 numbers read from shared memory.
// An element is summed over the rank in order, whatever tile it is in.
#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "base/error.h"

namespace reel::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTile = 64;   // rows and columns of a block
constexpr int kDepth = 16;  // of the rank, in shared memory at a time
constexpr int kEach = 4;    // rows and columns of a thread, and what it loads of each operand
constexpr int kAcross = kTile / kEach;
// 64 and 4: the transposing stores of eight neighbours meet two at a bank.
constexpr int kPitch = kTile + 4;
static_assert(kAcross * kAcross == kThreads && kThreads * kEach == kTile * kDepth);

struct Factors {
  const void* up;    // [rows, rank]
  const void* down;  // [rank, width]
  DType up_dtype, down_dtype;
  int64_t rank, rows, width;
};

struct alignas(16) Tile {
  float up[kDepth][kPitch];  // transposed
  float down[kDepth][kTile];
};

__device__ inline float number_at(const void* data, DType dtype, int64_t at) {
  if (dtype == DType::kBF16) return device::load_as_float(static_cast<const BF16*>(data)[at]);
  if (dtype == DType::kF16) return device::load_as_float(static_cast<const Half*>(data)[at]);
  return static_cast<const float*>(data)[at];
}

// The part of both factors from `depth` of the rank on; zeros beyond their ends.
__device__ inline void load_tile(const Factors& factors, int64_t depth, Tile& tile) {
  const int thread = static_cast<int>(threadIdx.x);
  const int own_row = thread / (kDepth / kEach), own_depth = thread % (kDepth / kEach) * kEach;
  const int64_t row = int64_t{blockIdx.y} * kTile + own_row;
  const int down_row = thread / kAcross, down_column = thread % kAcross * kEach;
  const int64_t rank_row = depth + down_row;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int64_t k = depth + own_depth + i;
    const bool is_in = row < factors.rows && k < factors.rank;
    tile.up[own_depth + i][own_row] =
        is_in ? number_at(factors.up, factors.up_dtype, row * factors.rank + k) : 0.0f;
    const int64_t column = int64_t{blockIdx.x} * kTile + down_column + i;
    const bool is_there = rank_row < factors.rank && column < factors.width;
    tile.down[down_row][down_column + i] =
        is_there ? number_at(factors.down, factors.down_dtype, rank_row * factors.width + column)
                 : 0.0f;
  }
}

// x += factor * up down. grid = (tiles across, tiles down), block = kThreads, shared = a Tile.
__global__ void __launch_bounds__(kThreads)
    add_product_kernel(float* x, const Factors factors, float factor) {
  const device::Shared<Tile> tile;
  const int across = static_cast<int>(threadIdx.x) % kAcross * kEach;
  const int down = static_cast<int>(threadIdx.x) / kAcross * kEach;
  float sums[kEach][kEach] = {};
  for (int64_t depth = 0; depth < factors.rank; depth += kDepth) {
    load_tile(factors, depth, *tile);
    device::sync_block();
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      float columns[kEach];
#pragma unroll
      for (int j = 0; j < kEach; ++j) columns[j] = tile->down[k][across + j];
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        const float up = tile->up[k][down + i];
#pragma unroll
        for (int j = 0; j < kEach; ++j) sums[i][j] = fmaf(up, columns[j], sums[i][j]);
      }
    }
    device::sync_block();
  }
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int64_t row = int64_t{blockIdx.y} * kTile + down + i;
    if (row >= factors.rows) break;
#pragma unroll
    for (int j = 0; j < kEach; ++j) {
      const int64_t column = int64_t{blockIdx.x} * kTile + across + j;
      if (column < factors.width) x[row * factors.width + column] += factor * sums[i][j];
    }
  }
}

// x += factor * numbers. Bound by memory. grid covers the elements, block = kThreads.
__global__ void __launch_bounds__(kThreads)
    add_numbers_kernel(float* x, const void* numbers, DType dtype, int64_t elements, float factor) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at < elements) x[at] += factor * number_at(numbers, dtype, at);
}

void require_float(DType dtype) {
  REEL_REQUIRE(dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16, kUnsupported,
               str_cat("the cuda backend cannot add numbers of ", dtype_name(dtype), "."));
}

unsigned tiles(int64_t count, int64_t of) { return static_cast<unsigned>((count + of - 1) / of); }

}  // namespace

void add_delta(const ops::AddDeltaArgs& args, Stream stream) {
  require_float(args.up_dtype);
  if (args.rows == 0 || args.width == 0) return;
  const auto cuda_stream = static_cast<cudaStream_t>(stream.handle);
  if (args.down == nullptr) {
    const int64_t elements = args.rows * args.width;
    return launch(
        "add_delta", add_numbers_kernel,
        {.grid = dim3(tiles(elements, kThreads)), .block = dim3(kThreads), .stream = cuda_stream},
        args.x, args.up, args.up_dtype, elements, args.factor);
  }
  require_float(args.down_dtype);
  launch("add_delta", add_product_kernel,
         {.grid = dim3(tiles(args.width, kTile), tiles(args.rows, kTile)),
          .block = dim3(kThreads),
          .shared_bytes = sizeof(Tile),
          .stream = cuda_stream},
         args.x,
         Factors{.up = args.up,
                 .down = args.down,
                 .up_dtype = args.up_dtype,
                 .down_dtype = args.down_dtype,
                 .rank = args.rank,
                 .rows = args.rows,
                 .width = args.width},
         args.factor);
}

}  // namespace reel::cuda
