// SPDX-License-Identifier: Apache-2.0
// The rotation of core/numerics/int8_rotation.h by tensor cores: of 16-bit floats, four of the
// seven stages are a product with a 16 x 16 Hadamard matrix, summed in f32, and three are sums and
// differences in registers. No number passes a shuffle: the product itself moves them between
// lanes. Results are those of numerics::rotate_block() but for the last bits of sums.
//
// After Agarwal et al. 2024, arXiv:2412.08832 (HadaCore), which multiplies in all stages and rounds
// to 16 bits between them.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "backends/cuda/device/convert.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/row_warps.cuh"
#include "core/numerics/small_floats.h"

namespace reel::cuda {

template <typename T>
__device__ inline void round_to_pairs(const LaneRuns& x, LanePairs& pairs) {
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
#pragma unroll
    for (int i = 0; i < kRun / 2; ++i) {
      pairs[run][i] = std::is_same_v<T, BF16>
                          ? device::pack_bf16x2(x[run][2 * i], x[run][2 * i + 1])
                          : device::pack_f16x2(x[run][2 * i], x[run][2 * i + 1]);
    }
  }
}

// Of the warp's eight blocks, T being Half or BF16, runs before the rotation in kOrder.
//
// A product takes a bit of the column from the pair, two from the lane's place among the four of
// its block, and one from the run: the lowest one of spread runs, the higher one of runs together.
// It leaves them in the lane's group of four, but for the pair's, and in the lane's place which two
// blocks it has then. The bits that it does not take are eight products, which three stages sum.
template <typename T, RunOrder kOrder, int kTooLarge = 0>
class TensorRotation {
 public:
  // kTooLarge was added to every number, and is taken away.
  __device__ TensorRotation() {
    constexpr uint32_t kOne = std::is_same_v<T, BF16> ? 0x3f80 : 0x3c00;
    const int group = device::lane() / kBlockLanes;
    const int place = device::lane() % kBlockLanes;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int of_run = i / 2;
      const int column = kOrder == RunOrder::kTogether ? of_run | place << 1 : place | of_run << 2;
      const auto both = static_cast<uint32_t>(group & column);
      const uint32_t first = (both ^ both >> 1 ^ both >> 2) & 1u;
      const uint32_t second = first ^ static_cast<uint32_t>(i % 2);
      const uint32_t signs = (kOne | first << 15) | (kOne | second << 15) << 16;
      // Spread runs come from f32, which leaves no registers to keep them in.
      signs_[i] = kOrder == RunOrder::kTogether ? device::kept(signs) : signs;
    }
    constexpr int kSummed = 16;  // of which a product's row 0 is the sum
    if constexpr (kTooLarge != 0) {
      less_ = device::kept(group == 0 ? -float{kSummed * kTooLarge} : 0.0f);
    }
  }

  // But for the factor kRotationScale. Every lane of the warp calls.
  __device__ void operator()(const LanePairs& x, LaneRuns& y) const {
    constexpr int kApart = kOrder == RunOrder::kTogether ? 2 : 1;  // of the product's two runs
#pragma unroll
    for (int upper = 0; upper < 2; ++upper) {
      const int run = kOrder == RunOrder::kTogether ? upper : 2 * upper;
#pragma unroll
      for (int i = 0; i < kRun / 2; ++i) {
        const float less = kTooLarge == 0 ? 0.0f : less_;
        float d[4] = {less, less, 0, 0};
        const uint32_t b[2] = {x[run][i], x[run + kApart][i]};
        if constexpr (std::is_same_v<T, BF16>) {
          device::mma_bf16(d, signs_, b);
        } else {
          device::mma_f16(d, signs_, b);
        }
#pragma unroll
        for (int block = 0; block < 2; ++block) {
          y[2 * block + upper][2 * i] = d[block];
          y[2 * block + upper][2 * i + 1] = d[block + 2];
        }
      }
    }
#pragma unroll
    for (auto& of_run : y) {
      add_and_subtract(of_run, 2);
      add_and_subtract(of_run, 4);
    }
#pragma unroll
    for (int block = 0; block < 2; ++block) {
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        const float a = y[2 * block][i];
        const float b = y[2 * block + 1][i];
        y[2 * block][i] = a + b;
        y[2 * block + 1][i] = a - b;
      }
    }
  }

  // Which of the warp's blocks a lane has a run of after it.
  static __device__ int block_of_run(int run) { return device::lane() % kBlockLanes * 2 + run / 2; }
  // The run's first column within the block. Of runs that were together, 2 i and 2 i + 1 are
  // neighbours.
  static __device__ int column_in_block(int run) {
    const int group = device::lane() / kBlockLanes;
    return kOrder == RunOrder::kTogether ? (2 * group + run % 2) * kRun
                                         : (group + run % 2 * 8) * kRun;
  }

 private:
  uint32_t signs_[4];
  float less_ = 0;
};

}  // namespace reel::cuda
