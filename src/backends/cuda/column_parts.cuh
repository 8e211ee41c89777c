// SPDX-License-Identifier: Apache-2.0
// What columns of many rows are reduced by: a block has 512 columns and a part of the rows, eight
// of them at a time, 16 bytes or more a thread. What its threads have found is combined here.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/row_runs.cuh"

namespace reel::cuda {

inline constexpr int kPartThreads = 512;
inline constexpr int kPartBlocks = 2;  // of a multiprocessor
inline constexpr int kPartColumns = 512;
inline constexpr int kPartRowThreads = kPartColumns / kRun;
inline constexpr int kPartRowsAtOnce = kPartThreads / kPartRowThreads;

inline int64_t part_column_blocks(int64_t columns) {
  return (columns + kPartColumns - 1) / kPartColumns;
}

// A thread's row of the eight, and its run of the block's columns.
struct PartPlace {
  int row, column;

  __device__ PartPlace()
      : row(static_cast<int>(threadIdx.x) / kPartRowThreads),
        column(static_cast<int>(threadIdx.x) % kPartRowThreads * kRun) {}
};

using PartShared = float[kPartRowsAtOnce][kPartColumns];

// combine() of what the threads of a column have, in the order of their rows, from 0 on: of column
// threadIdx.x. All threads of the block call.
template <typename Combine>
__device__ inline float combined_rows(const RunFloats& mine, const PartPlace& place,
                                      PartShared& shared, Combine combine) {
  auto* const fours = reinterpret_cast<float4*>(&shared[place.row][place.column]);
  fours[0] = make_float4(mine[0], mine[1], mine[2], mine[3]);
  fours[1] = make_float4(mine[4], mine[5], mine[6], mine[7]);
  device::sync_block();
  static_assert(kPartThreads == kPartColumns);
  float all = 0;
#pragma unroll
  for (const auto& of_row : shared) all = combine(all, of_row[threadIdx.x]);
  return all;
}

}  // namespace reel::cuda
