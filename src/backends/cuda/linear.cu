// SPDX-License-Identifier: Apache-2.0
// Which kernel takes a product, and the two that need no tensor cores: for f32 weights (and rows
// the tensor cores cannot read), and for so few rows that reading the weight is all there is.
#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/product_epilogue.cuh"

namespace reel::cuda {
namespace {

struct PlainOperands {
  const void* x;  // [rows, in] x_dtype
  const void* w;  // [columns, in]
  DType x_dtype;
  int64_t in;
  bool whole;  // rows of both can be read by whole runs
};

template <typename T>
__device__ inline float rounded_to(float x) {
  T element;
  device::store_from_float(element, x);
  return device::load_as_float(element);
}

// x[at] to x[at + 7] of a row, rounded to W's elements; zeros from `in` on.
template <typename W>
__device__ inline void load_x(const PlainOperands& operands, int64_t row, int64_t at,
                              float (&x)[kRun]) {
  const int64_t start = row * operands.in;
  if (operands.x_dtype == DType::kF32) {
    load_run(static_cast<const float*>(operands.x) + start, at, operands.in, operands.whole, x);
  } else if (operands.x_dtype == DType::kBF16) {
    load_run(static_cast<const BF16*>(operands.x) + start, at, operands.in, operands.whole, x);
  } else {
    load_run(static_cast<const Half*>(operands.x) + start, at, operands.in, operands.whole, x);
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) x[i] = rounded_to<W>(x[i]);
}

// ---------------------------------------------------------------- few rows

// Bound by memory: W is read once, 256 bytes or more a lane in flight; x stays in L1.
constexpr int kFewRows = 8;
constexpr int kFewRowsWarps = 4;

bool has_few_rows(const ops::LinearArgs& args) {
  return args.rows <= kFewRows && args.sum_squares == nullptr;
}

// A warp takes eight columns. grid covers the columns, block = kFewRowsWarps warps.
template <typename W, int kRows>
__global__ void __launch_bounds__(kFewRowsWarps* device::kWarpSize)
    few_rows_kernel(const PlainOperands operands, const ProductEnd end) {
  const int64_t warp = int64_t{blockIdx.x} * kFewRowsWarps + device::warp_in_block();
  const int64_t column = warp * kRun;
  if (column >= end.columns) return;  // whole warps
  const W* w = static_cast<const W*>(operands.w) + column * operands.in;

  float sums[kRows][kRun] = {};
  for (int64_t at = int64_t{device::lane()} * kRun; at < operands.in;
       at += device::kWarpSize * kRun) {
    float weights[kRun][kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      const int64_t width = column + i < end.columns ? operands.in : 0;
      load_run(w + i * operands.in, at, width, operands.whole, weights[i]);
    }
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
      if (row >= end.rows) continue;
      float x[kRun];
      load_x<W>(operands, row, at, x);
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
#pragma unroll
        for (int k = 0; k < kRun; ++k) sums[row][i] = fmaf(x[k], weights[i][k], sums[row][i]);
      }
    }
  }

  const ColumnTerms terms = column_terms(end, column);
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    if (row >= end.rows) continue;
#pragma unroll
    for (int i = 0; i < kRun; ++i) sums[row][i] = device::warp_sum(sums[row][i]);
    if (device::lane() == row) finish_run(end, terms, row, column, sums[row]);
  }
}

// ---------------------------------------------------------------- any product

// Bound by FFMA issue: a thread adds 8 x 8 products for every 16 numbers read from shared memory.
constexpr int kTile = 128;       // rows and columns of a block
constexpr int kTileDepth = 16;   // of x and W in shared memory at a time, double buffered
constexpr int kTilePitch = 132;  // 128 and 4: the transposing stores meet two at a bank
constexpr int kTileThreads = 256;
constexpr int kAcross = kTile / kRun;  // threads that share a row

struct PlainTile {
  float x[kTileDepth][kTilePitch];
  float w[kTileDepth][kTilePitch];
};
struct alignas(16) PlainMemory {
  PlainTile tiles[2];
};

// Columns of eight neighbours are kept four and four, 64 apart, so that the threads of a quarter
// warp read 128 bytes in a row.
__device__ inline int column_place(int column) {
  return column % kRun / 4 * (kTile / 2) + column / kRun * 4 + column % 4;
}

// What a thread carries from memory to shared memory: a run of one row of x and one of W.
struct PlainCargo {
  float x[kRun];
  float w[kRun];
};
static_assert(kTileThreads * kRun == kTile * kTileDepth);

template <typename W>
__device__ inline void load_cargo(const PlainOperands& operands, const ProductEnd& end,
                                  int64_t depth, PlainCargo& cargo) {
  const int own = static_cast<int>(threadIdx.x) / 2;
  const int64_t row = int64_t{blockIdx.y} * kTile + own;
  const int64_t column = int64_t{blockIdx.x} * kTile + own;
  const int64_t at = depth + static_cast<int>(threadIdx.x) % 2 * kRun;
#pragma unroll
  for (int i = 0; i < kRun; ++i) cargo.x[i] = cargo.w[i] = 0;
  if (row < end.rows) load_x<W>(operands, row, at, cargo.x);
  if (column < end.columns) {
    load_run(static_cast<const W*>(operands.w) + column * operands.in, at, operands.in,
             operands.whole, cargo.w);
  }
}

__device__ inline void store_cargo(const PlainCargo& cargo, PlainTile& tile) {
  const int own = static_cast<int>(threadIdx.x) / 2;
  const int depth = static_cast<int>(threadIdx.x) % 2 * kRun;
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    tile.x[depth + i][own] = cargo.x[i];
    tile.w[depth + i][column_place(own)] = cargo.w[i];
  }
}

__device__ inline void load_eight(const float* from, int gap, float (&to)[kRun]) {
  const float4 low = *reinterpret_cast<const float4*>(from);
  const float4 high = *reinterpret_cast<const float4*>(from + gap);
  to[0] = low.x, to[1] = low.y, to[2] = low.z, to[3] = low.w;
  to[4] = high.x, to[5] = high.y, to[6] = high.z, to[7] = high.w;
}

__device__ inline void multiply_tile(const PlainTile& tile, int down, int across,
                                     float (&sums)[kRun][kRun]) {
#pragma unroll
  for (int depth = 0; depth < kTileDepth; ++depth) {
    float x[kRun];
    float w[kRun];
    load_eight(&tile.x[depth][down * kRun], 4, x);
    load_eight(&tile.w[depth][across * 4], kTile / 2, w);
#pragma unroll
    for (int row = 0; row < kRun; ++row) {
#pragma unroll
      for (int column = 0; column < kRun; ++column) {
        sums[row][column] = fmaf(x[row], w[column], sums[row][column]);
      }
    }
  }
}

// One block per tile of 128 x 128: grid = (columns, rows) in tiles, block = kTileThreads,
// shared = PlainMemory.
template <typename W>
__global__ void __launch_bounds__(kTileThreads)
    plain_kernel(const PlainOperands operands, const ProductEnd end) {
  const device::Shared<PlainMemory> memory;
  const int down = static_cast<int>(threadIdx.x) / kAcross;
  const int across = static_cast<int>(threadIdx.x) % kAcross;

  PlainCargo cargo;
  load_cargo<W>(operands, end, 0, cargo);
  store_cargo(cargo, memory->tiles[0]);
  device::sync_block();
  float sums[kRun][kRun] = {};
  int now = 0;
  for (int64_t depth = kTileDepth; depth < operands.in; depth += kTileDepth) {
    load_cargo<W>(operands, end, depth, cargo);
    multiply_tile(memory->tiles[now], down, across, sums);
    now = 1 - now;
    store_cargo(cargo, memory->tiles[now]);
    device::sync_block();
  }
  multiply_tile(memory->tiles[now], down, across, sums);

  const int64_t column = int64_t{blockIdx.x} * kTile + across * kRun;
  const ColumnTerms terms = column_terms(end, column);
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    const int64_t row = int64_t{blockIdx.y} * kTile + down * kRun + i;
    const bool inside = row < end.rows && column < end.columns;
    if (inside) finish_run(end, terms, row, column, sums[i]);
    if (end.sum_squares == nullptr) continue;
    float squares = 0;
#pragma unroll
    for (int k = 0; k < kRun; ++k) squares = fmaf(sums[i][k], sums[i][k], squares);
#pragma unroll
    for (int mask = 1; mask < kAcross; mask *= 2) squares += device::shuffle_xor(squares, mask);
    if (inside && across == 0) end.sum_squares[row * (end.columns / kTile) + blockIdx.x] = squares;
  }
}

template <typename W>
void launch_plain(const ops::LinearArgs& args, Stream stream) {
  const PlainOperands operands{
      .x = args.x,
      .w = args.weight.data,
      .x_dtype = args.x_dtype,
      .in = args.weight.in,
      .whole = whole_runs(args.x, args.weight.in) && whole_runs(args.weight.data, args.weight.in)};
  const ProductEnd end = product_end(args, nullptr);
  const auto cuda_stream = static_cast<cudaStream_t>(stream.handle);
  if (has_few_rows(args)) {
    constexpr int64_t kColumns = int64_t{kRun} * kFewRowsWarps;
    launch("few_rows_linear", args.rows == 1 ? few_rows_kernel<W, 1> : few_rows_kernel<W, kFewRows>,
           {.grid = dim3(static_cast<unsigned>((end.columns + kColumns - 1) / kColumns)),
            .block = dim3(kFewRowsWarps * device::kWarpSize),
            .stream = cuda_stream},
           operands, end);
    return;
  }
  launch("plain_linear", plain_kernel<W>,
         {.grid = dim3(static_cast<unsigned>((end.columns + kTile - 1) / kTile),
                       static_cast<unsigned>((end.rows + kTile - 1) / kTile)),
          .block = dim3(kTileThreads),
          .shared_bytes = sizeof(PlainMemory),
          .stream = cuda_stream},
         operands, end);
}

// A build for other capabilities than 9.0 has no such kernel.
bool takes_wgmma([[maybe_unused]] const ops::LinearArgs& args) {
#ifdef REEL_WITH_WGMMA
  return fits_wgmma_linear(args);
#else
  return false;
#endif
}

}  // namespace

const char* which_linear(const ops::LinearArgs& args) {
  if (takes_wgmma(args)) return "wgmma";
  if (has_row_scales(args.weight.dtype)) return "mma.sync";
  if (has_few_rows(args)) return "few rows";
  return fits_half_linear(args) ? "mma.sync" : "plain";
}

void linear(const ops::LinearArgs& args, Stream stream) {
  if (args.rows == 0) return;
#ifdef REEL_WITH_WGMMA
  if (takes_wgmma(args)) return wgmma_linear(args, stream);
#endif
  if (args.weight.dtype == DType::kI8) return int8_linear(args, stream);
  if (args.weight.dtype == DType::kF8E4M3) return fp8_linear(args, stream);
  if (!has_few_rows(args) && fits_half_linear(args)) return half_linear(args, stream);
  with_element_type(args.weight.dtype, [&]<typename W>(W) { launch_plain<W>(args, stream); });
}

}  // namespace reel::cuda
