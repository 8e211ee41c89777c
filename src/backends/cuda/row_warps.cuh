// SPDX-License-Identifier: Apache-2.0
// Rows in the registers of warps, 1024 columns a warp: eight blocks of 128. Four lanes have a
// block, each of them four runs of eight neighbours. So two of the rotation's seven stages are
// between lanes, and five in registers.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/bytes.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/row_runs.cuh"

namespace reel::cuda {

inline constexpr int kLaneRuns = 4;
inline constexpr int kLaneColumns = kLaneRuns * kRun;
inline constexpr int kBlockLanes = numerics::kRotationBlock / kLaneColumns;
inline constexpr int kWarpColumns = device::kWarpSize * kLaneColumns;

using LaneRuns = float[kLaneRuns][kRun];

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

// numerics::rotate_block() of the warp's blocks, the same bits; runs are spread before and after.
// Every lane of the warp calls.
__device__ inline void rotate_spread_runs(LaneRuns& x) {
  rotate_within_runs(x);
#pragma unroll
  for (int mask = 1; mask < kBlockLanes; mask *= 2) {
    const float sign = (device::lane() & mask) != 0 ? -1.0f : 1.0f;
#pragma unroll
    for (auto& run : x) {
#pragma unroll
      for (float& own : run) own = fmaf(sign, own, device::shuffle_xor(own, mask));  // rounds once
    }
  }
#pragma unroll
  for (int at = 0; at < kRun; ++at) {
    float column[kLaneRuns];
#pragma unroll
    for (int run = 0; run < kLaneRuns; ++run) column[run] = x[run][at];
#pragma unroll
    for (int half = 1; half < kLaneRuns; half *= 2) add_and_subtract(column, half);
#pragma unroll
    for (int run = 0; run < kLaneRuns; ++run) x[run][at] = column[run] * numerics::kRotationScale;
  }
}

// The same of runs that are together before, and spread after, but for factors. Two lanes swap half
// of their numbers, so that both operands of a stage lie in one lane: one shuffle a number instead
// of two. Which half must not depend on the lane, or each number would take a select besides: lanes
// whose bit is set have sums and differences of the stage two before in each other's place, which
// the signs of its addends do. Run i lacks factor i, which differences also need that a lane takes
// the other way round; its magnitude is kRotationScale.
__device__ inline void rotate_but_for_factors(LaneRuns& x, float (&factors)[kLaneRuns]) {
  static_assert(kBlockLanes == kLaneRuns && kLaneRuns == 4);
  rotate_within_runs(x);
  const float signs[2] = {(device::lane() & 1) != 0 ? -1.0f : 1.0f,
                          (device::lane() & 2) != 0 ? -1.0f : 1.0f};
  factors[0] = numerics::kRotationScale;
  factors[1] = signs[0] * factors[0];
  factors[2] = signs[1] * factors[0];
  factors[3] = signs[1] * factors[1];
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
#pragma unroll
    for (int run = 0; run < kLaneRuns; ++run) x[run][at] = y[run];
  }
}

// The same with them: the bits of numerics::rotate_block(), but for the sign of a zero.
__device__ inline void rotate_runs_together(LaneRuns& x) {
  float factors[kLaneRuns];
  rotate_but_for_factors(x, factors);
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
#pragma unroll
    for (float& value : x[run]) value *= factors[run];
  }
}

__device__ inline float amax_of_runs(const LaneRuns& x) {
  float amax = 0;
#pragma unroll
  for (const auto& run : x) {
#pragma unroll
    for (const float value : run) amax = device::larger_magnitude(amax, value);
  }
  return amax;
}

// The lowest byte is numerics::quantise_int8(x, inverse_scale), given that |x * inverse_scale| is
// at most 127 and a rounding error, or that it is NaN: the last bits of a sum with 1.5 * 2^23 are
// the integer.
__device__ inline uint32_t quantised_byte(float x, float inverse_scale) {
  constexpr float kRound = 12582912.0f;
  return numerics::bits_of(fminf(x * inverse_scale, numerics::kInt8Max) + kRound);
}

// The two kinds of 8-bit rows of warps: what is done to the runs of a lane, the scale of a row, and
// a run's rounding.
struct RotatedInt8Runs {
  using Number = int8_t;
  // Lanes have whole blocks or none of a row.
  static constexpr int kColumnsTogether = numerics::kRotationBlock;
  template <RunOrder>
  static constexpr RunOrder kOrderAfter = RunOrder::kSpread;
  template <RunOrder kOrder>
  static __device__ void prepare(LaneRuns& x) {
    if constexpr (kOrder == RunOrder::kSpread) {
      rotate_spread_runs(x);
    } else {
      rotate_runs_together(x);
    }
  }
  static __device__ float scale(float amax) { return numerics::int8_scale(amax); }
  static __device__ uint2 round(const float (&x)[kRun], float inverse_scale) {
    uint32_t bytes[kRun];
#pragma unroll
    for (int at = 0; at < kRun; ++at) bytes[at] = quantised_byte(x[at], inverse_scale);
    return {device::lowest_bytes(bytes[0], bytes[1], bytes[2], bytes[3]),
            device::lowest_bytes(bytes[4], bytes[5], bytes[6], bytes[7])};
  }
};
struct ScaledE4M3Runs {
  using Number = uint8_t;
  static constexpr int kColumnsTogether = kRun;
  template <RunOrder kOrder>
  static constexpr RunOrder kOrderAfter = kOrder;
  template <RunOrder>
  static __device__ void prepare(LaneRuns&) {}
  static __device__ float scale(float amax) { return numerics::e4m3_scale(amax); }
  static __device__ uint2 round(const float (&x)[kRun], float inverse_scale) {
    uint32_t pairs[kRun / 2];
#pragma unroll
    for (int at = 0; at < kRun; at += 2) {
      pairs[at / 2] = device::pack_e4m3x2(x[at] * inverse_scale, x[at + 1] * inverse_scale);
    }
    return {pairs[0] | pairs[1] << 16, pairs[2] | pairs[3] << 16};
  }
};

// Calls visit(Rows{}) for the 8-bit dtype.
template <typename Visitor>
void with_scaled_runs(DType dtype, Visitor&& visit) {
  if (dtype == DType::kI8) return visit(RotatedInt8Runs{});
  visit(ScaledE4M3Runs{});
}

}  // namespace reel::cuda
