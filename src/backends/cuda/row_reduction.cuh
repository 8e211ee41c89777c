// SPDX-License-Identifier: Apache-2.0
// What the warps of a block reduce together: the largest or the sum of a row, of one or two rows at
// a time, with one barrier.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/device/warp.cuh"

namespace reel::cuda {

inline constexpr int kMostRowWarps = 24;

template <int kRows>
struct alignas(16) ReductionShared {
  // For each reduction of a row one, so that a barrier each is enough; the first two by turns.
  // Zeros for warps that there are not.
  float partial[4][kRows][kMostRowWarps];
};

// Reduces values over the block; every thread gets the results.
template <int kRows>
class RowReduction {
 public:
  // A barrier comes before any result.
  __device__ RowReduction(ReductionShared<kRows>& shared, int warps)
      : shared_(shared), warps_(warps) {
    const int at = static_cast<int>(threadIdx.x);
    if (at < warps || at >= kMostRowWarps) return;
#pragma unroll
    for (auto& of_rows : shared_.partial) {
#pragma unroll
      for (auto& of_row : of_rows) of_row[at] = 0;
    }
  }

  // Of magnitudes; NaN of a row that has one. `which` is 0 and 1 by turns.
  __device__ void largest(float (&values)[kRows], int which) {
#pragma unroll
    for (float& value : values) value = device::warp_amax(value);
    if (warps_ == 1) return;
    float(&partial)[kRows][kMostRowWarps] = shared_.partial[which];
    if (device::lane() == 0) {
#pragma unroll
      for (int row = 0; row < kRows; ++row) partial[row][device::warp_in_block()] = values[row];
    }
    device::sync_block();
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
      values[row] =
          device::warp_amax(device::lane() < kMostRowWarps ? partial[row][device::lane()] : 0.0f);
    }
  }

  // `which` is 2 or 3.
  __device__ void sum(float (&values)[kRows], int which) {
    constexpr int kLanesOfRow = device::kWarpSize / kRows;
    float mine = values[0];
    if constexpr (kRows == 2) {
      const bool upper = device::lane() >= kLanesOfRow;
      mine = (upper ? values[1] : values[0]) +
             device::shuffle_xor(upper ? values[0] : values[1], kLanesOfRow);
    }
#pragma unroll
    for (int mask = kLanesOfRow / 2; mask > 0; mask /= 2) mine += device::shuffle_xor(mine, mask);
    float(&partial)[kRows][kMostRowWarps] = shared_.partial[which];
    if (device::lane() % kLanesOfRow == 0) {
      partial[device::lane() / kLanesOfRow][device::warp_in_block()] = mine;
    }
    device::sync_block();
#pragma unroll
    for (int row = 0; row < kRows; ++row) values[row] = sum_of_warps(partial[row]);
  }

 private:
  __device__ float sum_of_warps(const float (&partial)[kMostRowWarps]) const {
    constexpr int kEach = 8;
    static_assert(kMostRowWarps % kEach == 0);
    float sum = 0;
#pragma unroll 1
    for (int first = 0; first < warps_; first += kEach) {
      const auto* const fours = reinterpret_cast<const float4*>(partial + first);
      const float4 a = fours[0];
      const float4 b = fours[1];
      sum += ((a.x + b.x) + (a.y + b.y)) + ((a.z + b.z) + (a.w + b.w));
    }
    return sum;
  }

  ReductionShared<kRows>& shared_;
  const int warps_;
};

}  // namespace reel::cuda
