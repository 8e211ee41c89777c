// SPDX-License-Identifier: Apache-2.0
// Rows in the registers of warps, 1024 columns a warp: eight blocks of 128. Four lanes have a
// block, each of them four runs of eight neighbours.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/bytes.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/row_runs.cuh"

namespace reel::cuda {

inline constexpr int kLaneRuns = 4;
inline constexpr int kLaneColumns = kLaneRuns * kRun;
inline constexpr int kBlockLanes = numerics::kRotationBlock / kLaneColumns;
inline constexpr int kWarpColumns = device::kWarpSize * kLaneColumns;

using LaneRuns = RunFloats[kLaneRuns];
// Two neighbours a word, the first in its lower half.
using LanePairs = RunPairs[kLaneRuns];

// Which runs of its block a lane has: every fourth, so that four lanes access what lies together,
// or four neighbours.
enum class RunOrder { kSpread, kTogether };

// The first column of a lane's run within its warp's columns.
template <RunOrder kOrder>
__device__ inline int column_of_run(int run) {
  const int lane = device::lane();
  const int of_block = lane % kBlockLanes;
  const int place =
      kOrder == RunOrder::kSpread ? run * kBlockLanes + of_block : of_block * kLaneRuns + run;
  return lane / kBlockLanes * numerics::kRotationBlock + place * kRun;
}

__device__ inline void copy_runs(const LaneRuns& from, LaneRuns& to) {
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) to[run][i] = from[run][i];
  }
}

// Zeros from the warp's column `width` on.
template <RunOrder kOrder>
__device__ inline void clear_beyond(int width, LaneRuns& x) {
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
    if (column_of_run<kOrder>(run) < width) continue;
#pragma unroll
    for (float& value : x[run]) value = 0;
  }
}

// x[at] and x[at + half] of every pair become their sum and their difference.
template <int kCount>
__device__ inline void add_and_subtract(float (&x)[kCount], int half) {
#pragma unroll
  for (int at = 0; at < kCount; ++at) {
    if ((at & half) != 0) continue;
    const float a = x[at];
    const float b = x[at + half];
    x[at] = a + b;
    x[at + half] = a - b;
  }
}

// The first three stages of numerics::rotate_block().
__device__ inline void rotate_within_runs(LaneRuns& x) {
#pragma unroll
  for (auto& run : x) {
#pragma unroll
    for (int half = 1; half < kRun; half *= 2) add_and_subtract(run, half);
  }
}

// numerics::rotate_block() of runs that are together before, and spread after: the same bits, but
// for the sign of a zero. Every lane of the warp calls. Two lanes swap half of their numbers, so
// that both operands of a stage lie in one lane: one shuffle a number instead of two. Which half
// must not depend on the lane, or each number would take a select besides: lanes whose bit is set
// have sums and differences of the stage two before in each other's place, which the signs of its
// addends do. Those signs are left to the factor, as differences also need that a lane takes the
// other way round.
__device__ inline void rotate_runs_together(LaneRuns& x) {
  static_assert(kBlockLanes == kLaneRuns && kLaneRuns == 4);
  const float signs[2] = {(device::lane() & 1) != 0 ? -1.0f : 1.0f,
                          (device::lane() & 2) != 0 ? -1.0f : 1.0f};
  rotate_within_runs(x);
#pragma unroll
  for (int at = 0; at < kRun; ++at) {
    float y[kLaneRuns];
#pragma unroll
    for (int run = 0; run < kLaneRuns; ++run) y[run] = x[run][at];
#pragma unroll
    for (int stage = 0; stage < 2; ++stage) {
#pragma unroll
      for (int run = 0; run < kLaneRuns; ++run) {
        const int half = 1 << stage;
        if ((run & half) != 0) continue;
        const float a = y[run];
        const float b = y[run + half];
        y[run] = fmaf(signs[stage], b, a);  // rounds once, as a + b and a - b
        y[run + half] = fmaf(-signs[stage], b, a);
      }
    }
#pragma unroll
    for (int half = 1; half < kLaneRuns; half *= 2) {
#pragma unroll
      for (int run = 0; run < kLaneRuns; ++run) {
        if ((run & half) != 0) continue;
        const float own = y[run];
        const float other = device::shuffle_xor(y[run + half], half);
        y[run] = own + other;
        y[run + half] = own - other;
      }
    }
    const float factors[kLaneRuns] = {numerics::kRotationScale, signs[0] * numerics::kRotationScale,
                                      signs[1] * numerics::kRotationScale,
                                      signs[0] * signs[1] * numerics::kRotationScale};
#pragma unroll
    for (int run = 0; run < kLaneRuns; ++run) x[run][at] = y[run] * factors[run];
  }
}

// Of runs `first` to `first` + kCount - 1.
template <int kCount = kLaneRuns>
__device__ inline float amax_of_runs(const LaneRuns& x, int first = 0) {
  float amax = 0;
#pragma unroll
  for (int run = 0; run < kCount; ++run) {
#pragma unroll
    for (const float value : x[first + run]) amax = device::larger_magnitude(amax, value);
  }
  return amax;
}

}  // namespace reel::cuda
