// SPDX-License-Identifier: Apache-2.0
// The kernel of all that becomes rows of 8 bits with a scale each. Bound by memory where the
// arithmetic lets it: a row is read once and a byte written for each number. Blocks stay and take
// one row after the other, kRows at a time; while they compute, the next rows are copied to shared
// memory. A row of up to 1024 columns is one warp's, of more as many warps' as it has thousands.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"
#include "backends/cuda/row_reduction.cuh"
#include "backends/cuda/row_warps.cuh"
#include "backends/cuda/scaled_runs.cuh"
#include "base/error.h"

namespace reel::cuda {

struct ScaledRows {
  void* numbers;  // [rows, width]
  float* scales;  // [rows]
  int64_t rows;
  int width;
};

// Bytes of a lane's four runs, but those of columns from `width` on, which is a multiple of 8, or
// of 16 where runs are neighbours.
template <bool kNeighbours, typename Number, typename Column, typename Bytes>
__device__ inline void store_runs(Number* numbers, int width, Column column, Bytes bytes) {
  constexpr int kTogether = kNeighbours ? 2 : 1;
#pragma unroll
  for (int run = 0; run < kLaneRuns; run += kTogether) {
    const int first = column(run);
    if (first >= width) continue;
    const uint2 low = bytes(run);
    if constexpr (kNeighbours) {
      const uint2 high = bytes(run + 1);
      *reinterpret_cast<uint4*>(numbers + first) = {low.x, low.y, high.x, high.y};
    } else {
      *reinterpret_cast<uint2*>(numbers + first) = low;
    }
  }
}

// Source: what is stored, and what becomes of it before it is rotated and scaled.
//   static constexpr bool kTwoRows    whether short rows may be taken in twos
//   static constexpr int kShortBlocks  of 256 threads of a multiprocessor, where they are not: more
//                                      hide more, and have fewer registers
//   static constexpr int kWarpBytes   of a warp's part of one row; a multiple of 16
//   static constexpr int kTooLarge    added to every number that is taken
//   using Taken                       LaneRuns or LanePairs
//   template <typename Rows> static constexpr RunOrder kOrder
//   template <RunOrder> class Lane    what a lane needs for every row
//     Lane(const Source&, int first_column, int width)    width: columns from the warp's first on
//     void start(int64_t row, unsigned char* to)          copies to shared memory by cp.async
//     void take(const unsigned char* from, int64_t row, Taken& x)    zeros beyond the columns
//   float factor(int64_t row)
//   template <typename Rows, int kRows>
//   void transform(Taken (&x)[kRows], const float (&factors)[kRows], int first_column, int width,
//                  RowReduction<kRows>& reduce)
// transform() gets kRows rows, of which the last may be there twice; zeros have to stay so. It may
// use reductions 2 and 3. Factors are its business, unless Rows::kFactorsAfter.
//
// `numbers` may be what is stored, when both have a byte: rows are in registers before the first of
// their bytes is written. grid: up to one block for kRows rows; block = a warp for each 1024
// columns, shared = ReductionShared and behind it the rows, kRows * Source::kWarpBytes a warp.
template <typename Source, typename Rows, int kRows, int kThreads, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks)
    scaled_rows_kernel(const Source source, const ScaledRows out) {
  constexpr RunOrder kOrder = Source::template kOrder<Rows>;
  const device::Shared<ReductionShared<kRows>> shared;
  const int warps = static_cast<int>(blockDim.x) / device::kWarpSize;
  const int warp = device::warp_in_block();
  const int first_column = warp * kWarpColumns;
  unsigned char* const mine =
      reinterpret_cast<unsigned char*>(&*shared + 1) + warp * kRows * Source::kWarpBytes;
  RowReduction<kRows> reduce(*shared, warps);
  const int width = out.width - first_column;  // of the columns that the warp has, or more
  const typename Source::template Lane<kOrder> of_lane(source, first_column, width);
  using Preparation = typename Rows::template Preparation<kOrder, Source::kTooLarge>;
  const Preparation prepare;
  // Where a row does not exist the last one is taken again.
  const auto row_of = [&](int64_t row) { return row < out.rows ? row : out.rows - 1; };
  const auto start = [&](int64_t first) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      of_lane.start(row_of(first + i), mine + i * Source::kWarpBytes);
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
    typename Source::Taken taken[kRows];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      of_lane.take(mine + i * Source::kWarpBytes, row_of(first + i), taken[i]);
    }
    device::sync_warp();
    if (first + step < out.rows) start(first + step);

    source.template transform<Rows>(taken, factors, first_column, width, reduce);
    LaneRuns x[kRows];
    float values[kRows];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      prepare(taken[i], x[i]);
      values[i] = amax_of_runs(x[i]);
    }
    float of_rows[kRows];
#pragma unroll
    for (int i = 0; i < kRows; ++i) of_rows[i] = factors[i];
    if (first + step < out.rows) start_factors(first + step);
    reduce.largest(values, turn);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      if (first + i >= out.rows) break;
      const float scale = Rows::scale(values[i], of_rows[i]);
      const float multiplier = Rows::multiplier(scale, of_rows[i]);
      if (threadIdx.x == 0) out.scales[first + i] = scale;
      auto* const numbers =
          static_cast<typename Rows::Number*>(out.numbers) + (first + i) * out.width + first_column;
      store_runs<Preparation::kNeighbours>(numbers, width, Preparation::column, [&](int run) {
        return Rows::round(x[i][run], multiplier);
      });
    }
  }
}

// kBlocks of kThreads threads fit a multiprocessor's registers.
template <typename Source, typename Rows, int kRows, int kThreads, int kBlocks>
void launch_scaled_rows_of(const char* name, const Source& source, const ScaledRows& out,
                           cudaStream_t stream) {
  const int warps = (out.width + kWarpColumns - 1) / kWarpColumns;
  const int threads = warps * device::kWarpSize;
  const size_t shared_bytes =
      sizeof(ReductionShared<kRows>) + static_cast<size_t>(kRows * warps) * Source::kWarpBytes;
  const int64_t of_processor =
      std::min<int64_t>(kBlocks * kThreads / threads, blocks_that_share(shared_bytes));
  const int64_t most_blocks = processor_count() * std::max<int64_t>(1, of_processor);
  const int64_t turns = (out.rows + kRows - 1) / kRows;
  launch(name, scaled_rows_kernel<Source, Rows, kRows, kThreads, kBlocks>,
         {.grid = dim3(static_cast<unsigned>(std::min(most_blocks, turns))),
          .block = dim3(static_cast<unsigned>(threads)),
          .shared_bytes = shared_bytes,
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
      return launch_scaled_rows_of<Source, Rows, 1, 256, Source::kShortBlocks>(name, source, out,
                                                                               stream);
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
