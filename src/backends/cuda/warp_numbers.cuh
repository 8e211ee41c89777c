// SPDX-License-Identifier: Apache-2.0
// Numbers of a byte or more each on their way from memory through shared memory to the registers of
// a warp (row_warps.cuh), eight blocks of 128 at a time.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/row_warps.cuh"
#include "backends/cuda/scaled_runs.cuh"

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
  // Chunks lie alike in every second block, or every fourth of bytes.
  static constexpr int kLieAlike = sizeof(Stored) == 1 ? 4 : 2;
  static constexpr int kAlike = kBlocks % kLieAlike == 0 ? 1 : kLieAlike / kBlocks;

  static __device__ int block(int copy) { return copy * kBlocks + device::lane() / kOfBlock; }
  static __device__ int chunk() { return device::lane() % kOfBlock; }
  static __device__ int column() { return chunk() * kNumbers; }  // within the block
};

// Where a lane's chunk of each copy goes in shared memory. What repeats is worked out once, and
// kept where there are registers for it.
template <typename Stored, RunOrder kOrder, bool kKept = true>
class CopyPlaces {
 public:
  __device__ CopyPlaces() {
#pragma unroll
    for (int copy = 0; copy < Copy::kAlike; ++copy) {
      const int place = chunk_place<Stored, kOrder>(Copy::block(copy), Copy::chunk());
      of_first_[copy] = kKept ? device::kept(place) : place;
    }
  }
  __device__ int operator[](int copy) const {
    constexpr int kCopyBytes = Copy::kBlocks * numerics::kRotationBlock * sizeof(Stored);
    return of_first_[copy % Copy::kAlike] + copy / Copy::kAlike * Copy::kAlike * kCopyBytes;
  }

 private:
  using Copy = WarpCopy<Stored>;
  int of_first_[Copy::kAlike];
};

// A lane's runs of what such copies have brought, where they are together: its first chunk.
template <typename Stored>
__device__ inline int first_chunk_together() {
  constexpr int kChunks = kLaneColumns * static_cast<int>(sizeof(Stored)) / 16;
  return chunk_place<Stored, RunOrder::kTogether>(device::lane() / kBlockLanes,
                                                  device::lane() % kBlockLanes * kChunks);
}
// Takes them from there; the warp's start at a multiple of 128 from `bytes`. Run is RunFloats or
// RunPairs.
template <typename Stored, typename Run, void (*kDecode)(const RunOf<Stored>&, Run&)>
__device__ inline void take_together(const unsigned char* bytes, int first_chunk,
                                     Run (&x)[kLaneRuns]) {
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

// A lane's runs of what such copies have brought, where they are spread.
template <typename Stored, typename Run, void (*kDecode)(const RunOf<Stored>&, Run&)>
__device__ inline void take_spread(const unsigned char* from, Run (&x)[kLaneRuns]) {
  constexpr int kBytes = static_cast<int>(sizeof(Stored));
  constexpr int kRunBytes = kRun * kBytes;
  const int block = device::lane() / kBlockLanes;
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
    const int at = column_of_run<RunOrder::kSpread>(run) % numerics::kRotationBlock * kBytes;
    RunOf<Stored> stored;
    if constexpr (kRunBytes < 16) {
      const unsigned char* chunk = from + chunk_place<Stored, RunOrder::kSpread>(block, at / 16);
      stored = *reinterpret_cast<const RunOf<Stored>*>(chunk + at % 16);
    } else {
#pragma unroll
      for (int i = 0; i < kRunBytes / 16; ++i) {
        const int place = chunk_place<Stored, RunOrder::kSpread>(block, at / 16 + i);
        const uint4 chunk = *reinterpret_cast<const uint4*>(from + place);
        memcpy(reinterpret_cast<unsigned char*>(&stored) + 16 * i, &chunk, sizeof chunk);
      }
    }
    kDecode(stored, x[run]);
  }
}

// What a source of scaled_rows.cuh is, where numbers have bytes of their own. Rows start at
// multiples of 16 bytes. kDecode answers numbers that are kAdded too large.
template <typename Stored, typename Run, void (*kDecode)(const RunOf<Stored>&, Run&),
          int kAdded = 0>
struct WarpNumbers {
  using Taken = Run[kLaneRuns];
  static constexpr int kBytes = sizeof(Stored);
  static constexpr int kWarpBytes = kWarpColumns * kBytes;
  static constexpr int kTooLarge = kAdded;
  static constexpr bool kTwoRows = kBytes == 1;
  static constexpr int kShortBlocks = 3;
  // Without a rotation, runs are stored as they are loaded.
  template <typename Rows>
  static constexpr RunOrder kOrder =
      std::is_same_v<Rows, ScaledE4M3Runs> ? RunOrder::kSpread : RunOrder::kTogether;

  const Stored* numbers;  // [rows, row_width]
  int64_t row_width;

  template <RunOrder kRuns>
  class Lane {
   public:
    __device__ Lane(const WarpNumbers& rows, int first_column, int width)
        : rows_(rows),
          column_(keep(first_column + column_of_copies())),
          columns_left_(keep(width - column_of_copies())) {
      if constexpr (kRuns == RunOrder::kTogether) {
        first_chunk_ = keep(first_chunk_together<Stored>());
      }
    }

    __device__ void start(int64_t row, unsigned char* to) const {
      const Stored* const from = rows_.numbers + row * rows_.row_width + column_;
#pragma unroll
      for (int copy = 0; copy < Copy::kCopies; ++copy) {
        const int column = copy * Copy::kBlocks * numerics::kRotationBlock;
        const bool valid = column < columns_left_;
        device::cp_async_16(to + places_[copy], from + column, valid);
      }
    }
    __device__ void take(const unsigned char* from, int64_t, Taken& x) const {
      if constexpr (kRuns == RunOrder::kTogether) {
        take_together<Stored, Run, kDecode>(from, first_chunk_, x);
      } else {
        take_spread<Stored, Run, kDecode>(from, x);
      }
    }

   private:
    using Copy = WarpCopy<Stored>;
    static __device__ int column_of_copies() {
      return Copy::block(0) * numerics::kRotationBlock + Copy::column();
    }
    // f32 leaves no registers for that.
    static __device__ int keep(int place) { return kBytes == 4 ? place : device::kept(place); }

    const WarpNumbers& rows_;
    int column_;
    int columns_left_;
    const CopyPlaces<Stored, kRuns, kBytes != 4> places_;
    int first_chunk_;
  };
  __device__ float factor(int64_t) const { return 1; }
};

// Calls visit(Rows{}, numbers) for rows of floats that become the 8-bit dtype: those of 16 bits are
// rotated as they are.
template <typename T, typename Visitor>
void with_rows_of_floats(DType to, const T* numbers, int64_t width, Visitor&& visit) {
  if (to != DType::kI8) {
    return visit(ScaledE4M3Runs{}, WarpNumbers<T, RunFloats, widen_run>{numbers, width});
  }
  if constexpr (std::is_same_v<T, float>) {
    visit(RotatedInt8Runs{}, WarpNumbers<T, RunFloats, widen_run>{numbers, width});
  } else {
    visit(TensorInt8Runs<T>{}, WarpNumbers<T, RunPairs, keep_pairs>{numbers, width});
  }
}

}  // namespace reel::cuda
