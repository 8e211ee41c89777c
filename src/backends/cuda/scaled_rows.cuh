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

template <typename Stored>
inline constexpr int kSharedWarpBytes = kWarpColumns* static_cast<int>(sizeof(Stored));

// Behind it lie the rows: kRows * kSharedWarpBytes for each warp.
template <int kRows>
struct alignas(16) RowsShared {
  // For each reduction of a row one, so that a barrier each is enough; the first two by turns.
  float partial[4][kRows][kMostRowWarps];
};

// Where 16-byte chunk `chunk` of the warp's block `block` of 128 columns lies in shared memory: the
// lanes of a load, which take from two blocks or four at once, meet no bank twice.
template <typename Stored>
__device__ inline int chunk_place(int block, int chunk) {
  constexpr int kChunks = numerics::kRotationBlock * static_cast<int>(sizeof(Stored)) / 16;
  const int other = sizeof(Stored) == 4   ? block % 2
                    : sizeof(Stored) == 2 ? block % 2 * 4
                                          : block % 4 * 2;
  return (block * kChunks + (chunk ^ other)) * 16;
}

// Starts copying a warp's part of a row, from its first column on. !kWhole: only `width` of its
// columns exist, what lies beyond becomes zero.
template <typename Stored, bool kWhole>
__device__ inline void start_row(const Stored* from, int width, unsigned char* to) {
  constexpr int kNumbers = 16 / static_cast<int>(sizeof(Stored));  // of a copy
  constexpr int kCopies = kWarpColumns / kNumbers / device::kWarpSize;
  constexpr int kOfBlock = numerics::kRotationBlock / kNumbers;
  constexpr int kBlocks = device::kWarpSize / kOfBlock;  // that a copy by all lanes is of
  const int lane = device::lane();
#pragma unroll
  for (int copy = 0; copy < kCopies; ++copy) {
    const int column = (copy * device::kWarpSize + lane) * kNumbers;
    const bool valid = kWhole || column < width;
    device::cp_async_16(to + chunk_place<Stored>(copy * kBlocks + lane / kOfBlock, lane % kOfBlock),
                        from + (valid ? column : 0), valid);
  }
}

// A lane's runs of what start_row() has brought.
template <typename Source>
__device__ inline void take_row(const unsigned char* from, LaneRuns& x) {
  using Stored = typename Source::Stored;
  constexpr int kRunBytes = kRun * static_cast<int>(sizeof(Stored));
  const int block = device::lane() / kBlockLanes;
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
    const int at = column_of_run(run) % numerics::kRotationBlock * static_cast<int>(sizeof(Stored));
    RunOf<Stored> stored;
    if constexpr (kRunBytes < 16) {
      const unsigned char* chunk = from + chunk_place<Stored>(block, at / 16);
      stored = *reinterpret_cast<const RunOf<Stored>*>(chunk + at % 16);
    } else {
#pragma unroll
      for (int i = 0; i < kRunBytes / 16; ++i) {
        reinterpret_cast<uint4*>(&stored)[i] =
            *reinterpret_cast<const uint4*>(from + chunk_place<Stored>(block, at / 16 + i));
      }
    }
    Source::decode(stored, x[run]);
  }
}

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

// Source: what is stored, and what becomes of it before it is rotated and scaled.
//   using Stored;                                      the type of a number in memory
//   const Stored* row(int64_t row);                    a multiple of 16 bytes
//   static void decode(const RunOf<Stored>&, float (&)[kRun]);
//   void transform(LaneRuns (&x)[kRows], int64_t first_row, int first_column, int width,
//                  RowReduction<kRows>& reduce);
// transform() gets the rows from first_row on, of which the last may be there twice, and of each
// the warp's columns: `width` exist, the others are zeros and have to stay so. It may use
// reductions 2 and 3. `numbers` may be what is stored, when both have a byte: rows are in registers
// before the first of their bytes is written. grid: up to one block for kRows rows; block = a warp
// for each 1024 columns, shared = RowsShared and the rows behind it.
template <typename Source, typename Rows, int kRows, int kThreads, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks)
    scaled_rows_kernel(const Source source, const ScaledRows out) {
  using Stored = typename Source::Stored;
  const device::Shared<RowsShared<kRows>> shared;
  const int warps = static_cast<int>(blockDim.x) / device::kWarpSize;
  const int warp = device::warp_in_block();
  const int first_column = warp * kWarpColumns;
  unsigned char* const mine =
      reinterpret_cast<unsigned char*>(&*shared + 1) + warp * kRows * kSharedWarpBytes<Stored>;
  RowReduction<kRows> reduce(*shared, warps);
  const int width = out.width - first_column;  // of the columns that the warp has, or more
  const auto start = [&](int64_t first) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      // Where a row does not exist the last one is taken again.
      const Stored* from =
          source.row(first + i < out.rows ? first + i : out.rows - 1) + first_column;
      unsigned char* to = mine + i * kSharedWarpBytes<Stored>;
      if (width >= kWarpColumns) {
        start_row<Stored, true>(from, width, to);
      } else {
        start_row<Stored, false>(from, width, to);
      }
    }
    device::cp_async_commit();
  };

  float factors[kRows];
  const auto start_factors = [&](int64_t first) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      factors[i] = source.factor(first + i < out.rows ? first + i : out.rows - 1);
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
      take_row<Source>(mine + i * kSharedWarpBytes<Stored>, x[i]);
    }
    device::sync_warp();
    if (first + step < out.rows) start(first + step);

    source.transform(x, factors, first_column, width, reduce);
    if (first + step < out.rows) start_factors(first + step);
    float values[kRows];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      Rows::prepare(x[i]);
      values[i] = amax_of_runs(x[i]);
    }
    reduce(values, turn, device::larger_magnitude);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      if (first + i >= out.rows) break;
      const float scale = Rows::scale(values[i]);
      const float inverse_scale = 1.0f / scale;
      if (threadIdx.x == 0) out.scales[first + i] = scale;
      auto* numbers =
          static_cast<typename Rows::Number*>(out.numbers) + (first + i) * out.width + first_column;
#pragma unroll
      for (int run = 0; run < kLaneRuns; ++run) {
        const int column = column_of_run(run);
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
          .shared_bytes = sizeof(RowsShared<kRows>) +
                          static_cast<size_t>(kRows * warps) *
                              static_cast<size_t>(kSharedWarpBytes<typename Source::Stored>),
          .stream = stream},
         source, out);
}

// Short rows are taken in twos, which halves what a row's reductions cost.
template <typename Rows, typename Source>
void launch_scaled_rows(const char* name, const Source& source, const ScaledRows& out,
                        cudaStream_t stream) {
  if (out.width <= 8 * kWarpColumns) {
    return launch_scaled_rows_of<Source, Rows, 2, 256, 2>(name, source, out, stream);
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
