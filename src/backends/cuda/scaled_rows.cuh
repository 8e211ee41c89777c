// SPDX-License-Identifier: Apache-2.0
// The kernel of all that becomes rows of 8 bits with a scale each. Bound by memory where the
// arithmetic lets it: a row is read once and a byte written for each number. Blocks stay and take
// one row after the other, kRows at a time; while they compute, the next rows are copied to shared
// memory. A row of up to 1024 columns is one warp's, of more as many warps' as it has thousands.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"
#include "backends/cuda/row_warps.cuh"
#include "base/error.h"

namespace reel::cuda {

inline constexpr int kMostRowWarps = 24;

// Behind it lie the rows: kRows * Source::kWarpBytes for each warp.
template <int kRows>
struct alignas(16) RowsShared {
  // For each reduction of a row one, so that a barrier each is enough; the first two by turns.
  float partial[4][kRows][kMostRowWarps];
};

// Reduces values over the block; every thread gets the results.
template <int kRows>
class RowReduction {
 public:
  __device__ RowReduction(RowsShared<kRows>& shared, int warps) : shared_(shared), warps_(warps) {}

  // Of reduction `which`, 0 to 3. `combine` has 0 for its neutral element.
  template <typename Combine>
  __device__ void operator()(float (&values)[kRows], int which, Combine combine) {
    float mine = gather(values, combine);
    if (warps_ > 1) {
      float(&partial)[kRows][kMostRowWarps] = shared_.partial[which];
      constexpr int kLanesOfRow = device::kWarpSize / kRows;
      const int lane = device::lane() % kLanesOfRow;
      const int row = device::lane() / kLanesOfRow;
      if (lane == 0) partial[row][device::warp_in_block()] = mine;
      device::sync_block();
      mine = lane < warps_ ? partial[row][lane] : 0;
      if (kRows == 2 && lane + 16 < warps_) mine = combine(mine, partial[row][lane + 16]);
      mine = spread(mine, combine);
    }
    hand_out(mine, values);
  }

 private:
  // The sum over the warp, of row lane / (32 / kRows).
  template <typename Combine>
  __device__ float gather(const float (&values)[kRows], Combine combine) {
    if constexpr (kRows == 1) return spread(values[0], combine);
    const bool upper = device::lane() >= device::kWarpSize / 2;
    const float other = device::shuffle_xor(upper ? values[0] : values[kRows - 1], 16);
    return spread(combine(upper ? values[kRows - 1] : values[0], other), combine);
  }
  template <typename Combine>
  __device__ float spread(float value, Combine combine) {
#pragma unroll
    for (int mask = device::kWarpSize / kRows / 2; mask > 0; mask /= 2) {
      value = combine(value, device::shuffle_xor(value, mask));
    }
    return value;
  }
  __device__ void hand_out(float mine, float (&values)[kRows]) {
    if constexpr (kRows == 1) {
      values[0] = mine;
      return;
    }
    const float other = device::shuffle_xor(mine, 16);
    const bool upper = device::lane() >= device::kWarpSize / 2;
    values[0] = upper ? other : mine;
    values[kRows - 1] = upper ? mine : other;
  }

  RowsShared<kRows>& shared_;
  const int warps_;
};

struct ScaledRows {
  void* numbers;  // [rows, width]
  float* scales;  // [rows]
  int64_t rows;
  int width;
};

// Source: what is stored, and what becomes of it before it is rotated and scaled. `width` says how
// many columns there are from the warp's first on; it may have fewer.
//   static constexpr int kWarpBytes;    of a warp's part of a row in shared memory; a multiple of
//   16 template <typename Rows> static constexpr RunOrder kOrder; void start(int64_t row, int
//   first_column, int width, unsigned char* to);   copies by cp.async template <RunOrder> void
//   take(const unsigned char* from, int64_t row, int first_column,
//                                 int width, LaneRuns& x);      zeros where there are no columns
//   float factor(int64_t row);
//   template <RunOrder, int kRows>
//   void transform(LaneRuns (&x)[kRows], const float (&factors)[kRows], int first_column,
//                  int width, RowReduction<kRows>& reduce);
// transform() gets kRows rows, of which the last may be there twice; zeros have to stay so. It may
// use reductions 2 and 3. `numbers` may be what is stored, when both have a byte: rows are in
// registers before the first of their bytes is written. grid: up to one block for kRows rows;
// block = a warp for each 1024 columns, shared = RowsShared and the rows behind it.
template <typename Source, typename Rows, int kRows, int kThreads, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks)
    scaled_rows_kernel(const Source source, const ScaledRows out) {
  constexpr RunOrder kOrder = Source::template kOrder<Rows>;
  const device::Shared<RowsShared<kRows>> shared;
  const int warps = static_cast<int>(blockDim.x) / device::kWarpSize;
  const int warp = device::warp_in_block();
  const int first_column = warp * kWarpColumns;
  unsigned char* const mine =
      reinterpret_cast<unsigned char*>(&*shared + 1) + warp * kRows * Source::kWarpBytes;
  RowReduction<kRows> reduce(*shared, warps);
  const int width = out.width - first_column;  // of the columns that the warp has, or more
  // Where a row does not exist the last one is taken again.
  const auto row_of = [&](int64_t row) { return row < out.rows ? row : out.rows - 1; };
  const auto start = [&](int64_t first) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      source.template start<kOrder>(row_of(first + i), first_column, width,
                                    mine + i * Source::kWarpBytes);
    }
    device::cp_async_commit();
  };

  float factors[kRows];
  const auto start_factors = [&](int64_t first) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      factors[i] = source.factor(row_of(first + i));
    }
  };

  const int64_t step = int64_t{gridDim.x} * kRows;
  int64_t first = int64_t{blockIdx.x} * kRows;
  start(first);
  start_factors(first);
  int turn = 0;
  for (; first < out.rows; first += step, turn ^= 1) {
    device::cp_async_wait<0>();
    device::sync_warp();
    LaneRuns x[kRows];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      source.template take<kOrder>(mine + i * Source::kWarpBytes, row_of(first + i), first_column,
                                   width, x[i]);
    }
    device::sync_warp();
    if (first + step < out.rows) start(first + step);

    source.template transform<kOrder>(x, factors, first_column, width, reduce);
    if (first + step < out.rows) start_factors(first + step);
    float values[kRows];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      Rows::template prepare<kOrder>(x[i]);
      values[i] = amax_of_runs(x[i]);
    }
    reduce(values, turn, device::larger_magnitude);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      if (first + i >= out.rows) break;
      const float scale = Rows::scale(values[i]);
      const float inverse_scale = Rows::inverse(scale);
      if (threadIdx.x == 0) out.scales[first + i] = scale;
      auto* numbers =
          static_cast<typename Rows::Number*>(out.numbers) + (first + i) * out.width + first_column;
#pragma unroll
      for (int run = 0; run < kLaneRuns; ++run) {
        const int column = column_of_run<Rows::template kOrderAfter<kOrder>>(run);
        if (column / Rows::kColumnsTogether * Rows::kColumnsTogether >= width) continue;
        *reinterpret_cast<uint2*>(numbers + column) = Rows::round(x[i][run], inverse_scale);
      }
    }
  }
}

// kBlocks of kThreads threads fit a multiprocessor's registers.
template <typename Source, typename Rows, int kRows, int kThreads, int kBlocks>
void launch_scaled_rows_of(const char* name, const Source& source, const ScaledRows& out,
                           cudaStream_t stream) {
  const int warps = (out.width + kWarpColumns - 1) / kWarpColumns;
  const int threads = warps * device::kWarpSize;
  const int64_t blocks = int64_t{processor_count()} * (kBlocks * kThreads / threads);
  launch(name, scaled_rows_kernel<Source, Rows, kRows, kThreads, kBlocks>,
         {.grid = dim3(static_cast<unsigned>(std::min(blocks, (out.rows + kRows - 1) / kRows))),
          .block = dim3(static_cast<unsigned>(threads)),
          .shared_bytes =
              sizeof(RowsShared<kRows>) + static_cast<size_t>(kRows * warps) * Source::kWarpBytes,
          .stream = stream},
         source, out);
}

// Short rows may be taken in twos, which halves what a row's reductions cost, but leaves registers
// for half as many of them.
template <typename Rows, typename Source>
void launch_scaled_rows(const char* name, const Source& source, const ScaledRows& out,
                        cudaStream_t stream) {
  if (out.width <= 8 * kWarpColumns) {
    if constexpr (Source::kTwoRows) {
      return launch_scaled_rows_of<Source, Rows, 2, 256, 2>(name, source, out, stream);
    } else {
      return launch_scaled_rows_of<Source, Rows, 1, 256, 3>(name, source, out, stream);
    }
  }
  if (out.width <= 14 * kWarpColumns) {
    return launch_scaled_rows_of<Source, Rows, 1, 448, 2>(name, source, out, stream);
  }
  REEL_REQUIRE(out.width <= kMostRowWarps * kWarpColumns, kUnsupported,
               str_cat("the cuda backend works on rows of up to ", kMostRowWarps * kWarpColumns,
                       " numbers, not ", out.width, "."));
  launch_scaled_rows_of<Source, Rows, 1, 768, 1>(name, source, out, stream);
}

}  // namespace reel::cuda
