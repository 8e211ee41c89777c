// SPDX-License-Identifier: Apache-2.0
// Numbers of a byte or more each on their way from memory through shared memory to the registers of
// a warp (row_warps.cuh), eight blocks of 128 at a time.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/row_warps.cuh"

namespace reel::cuda {

// Where 16-byte chunk `chunk` of the warp's block `block` lies in shared memory: the lanes of a
// load, which take from two blocks or four at once, meet no bank twice.
template <typename Stored, RunOrder kOrder>
__device__ inline int chunk_place(int block, int chunk) {
  constexpr int kBytes = static_cast<int>(sizeof(Stored));
  constexpr int kChunks = numerics::kRotationBlock * kBytes / 16;
  int other;
  if constexpr (kOrder == RunOrder::kSpread) {
    other = kBytes == 4 ? block % 2 : kBytes == 2 ? block % 2 * 4 : block % 4 * 2;
  } else {
    other = kBytes == 4   ? (chunk / 8 * 2) ^ (block % 2)
            : kBytes == 2 ? (chunk / 8) ^ (block % 2 * 6)
                          : block % 2;
  }
  return (block * kChunks + (chunk ^ other)) * 16;
}

// The address of a chunk for a lane of a copy: lanes take neighbouring chunks.
template <typename Stored>
struct WarpCopy {
  static constexpr int kNumbers = 16 / static_cast<int>(sizeof(Stored));  // of a lane's
  static constexpr int kCopies = kWarpColumns / kNumbers / device::kWarpSize;
  static constexpr int kOfBlock = numerics::kRotationBlock / kNumbers;
  static constexpr int kBlocks = device::kWarpSize / kOfBlock;  // that a copy by all lanes is of

  static __device__ int block(int copy) { return copy * kBlocks + device::lane() / kOfBlock; }
  static __device__ int chunk() { return device::lane() % kOfBlock; }
  static __device__ int column() { return chunk() * kNumbers; }  // within the block
};

// A lane's runs of what such copies have brought, where they are together: its first chunk.
template <typename Stored>
__device__ inline int first_chunk_together() {
  constexpr int kChunks = kLaneColumns * static_cast<int>(sizeof(Stored)) / 16;
  return chunk_place<Stored, RunOrder::kTogether>(device::lane() / kBlockLanes,
                                                  device::lane() % kBlockLanes * kChunks);
}
// Takes them from there; the warp's start at a multiple of 128 from `bytes`.
template <typename Stored, void (*kDecode)(const RunOf<Stored>&, float (&)[kRun])>
__device__ inline void take_together(const unsigned char* bytes, int first_chunk, LaneRuns& x) {
  // A power of two of chunks, which the first place tells by its lower bits.
  constexpr int kChunks = kLaneColumns * static_cast<int>(sizeof(Stored)) / 16;
  RunOf<Stored> runs[kLaneRuns];
#pragma unroll
  for (int i = 0; i < kChunks; ++i) {
    const uint4 chunk = *reinterpret_cast<const uint4*>(bytes + (first_chunk ^ 16 * i));
    memcpy(reinterpret_cast<unsigned char*>(runs) + 16 * i, &chunk, sizeof chunk);
  }
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) kDecode(runs[run], x[run]);
}

template <typename Stored, RunOrder kOrder, void (*kDecode)(const RunOf<Stored>&, float (&)[kRun])>
__device__ inline void take_numbers(const unsigned char* from, LaneRuns& x) {
  if constexpr (kOrder == RunOrder::kTogether) {
    take_together<Stored, kDecode>(from, first_chunk_together<Stored>(), x);
  } else {
    constexpr int kBytes = static_cast<int>(sizeof(Stored));
    constexpr int kRunBytes = kRun * kBytes;
    const int block = device::lane() / kBlockLanes;
#pragma unroll
    for (int run = 0; run < kLaneRuns; ++run) {
      const int at = column_of_run<kOrder>(run) % numerics::kRotationBlock * kBytes;
      RunOf<Stored> stored;
      if constexpr (kRunBytes < 16) {
        const unsigned char* chunk = from + chunk_place<Stored, kOrder>(block, at / 16);
        stored = *reinterpret_cast<const RunOf<Stored>*>(chunk + at % 16);
      } else {
#pragma unroll
        for (int i = 0; i < kRunBytes / 16; ++i) {
          const int place = chunk_place<Stored, kOrder>(block, at / 16 + i);
          const uint4 chunk = *reinterpret_cast<const uint4*>(from + place);
          memcpy(reinterpret_cast<unsigned char*>(&stored) + 16 * i, &chunk, sizeof chunk);
        }
      }
      kDecode(stored, x[run]);
    }
  }
}

// What a source of scaled_rows.cuh is, where numbers have bytes of their own. Rows start at
// multiples of 16 bytes.
template <typename Stored, void (*kDecode)(const RunOf<Stored>&, float (&)[kRun])>
struct WarpNumbers {
  static constexpr int kWarpBytes = kWarpColumns * static_cast<int>(sizeof(Stored));
  // Without a rotation that spreads them, runs are stored as they are loaded.
  template <typename Rows>
  static constexpr RunOrder kOrder =
      Rows::template kOrderAfter<RunOrder::kTogether> == RunOrder::kSpread ? RunOrder::kTogether
                                                                           : RunOrder::kSpread;

  const Stored* numbers;  // [rows, row_width]
  int64_t row_width;

  template <RunOrder kOrder>
  __device__ void start(int64_t row, int first_column, int width, unsigned char* to) const {
    const Stored* const from = numbers + row * row_width + first_column;
    if (width >= kWarpColumns) {
      start_part<kOrder, true>(from, width, to);
    } else {
      start_part<kOrder, false>(from, width, to);
    }
  }
  template <RunOrder kOrder>
  __device__ void take(const unsigned char* from, int64_t, int, int, LaneRuns& x) const {
    take_numbers<Stored, kOrder, kDecode>(from, x);
  }
  __device__ float factor(int64_t) const { return 1; }

 private:
  template <RunOrder kOrder, bool kWhole>
  static __device__ void start_part(const Stored* from, int width, unsigned char* to) {
    using Copy = WarpCopy<Stored>;
#pragma unroll
    for (int copy = 0; copy < Copy::kCopies; ++copy) {
      const int block = Copy::block(copy);
      const int column = block * numerics::kRotationBlock + Copy::column();
      const bool valid = kWhole || column < width;
      device::cp_async_16(to + chunk_place<Stored, kOrder>(block, Copy::chunk()),
                          from + (valid ? column : 0), valid);
    }
  }
};

}  // namespace reel::cuda
