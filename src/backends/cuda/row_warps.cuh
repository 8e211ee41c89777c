// SPDX-License-Identifier: Apache-2.0
// Rows in the registers of warps, 1024 columns a warp: eight blocks of 128. Four lanes have a
// block, each of them four runs of eight neighbours. So two of the rotation's seven stages are
// between lanes, and five in registers.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/approx.cuh"
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

// numerics::rotate_block() of the warp's blocks but for the factor kRotationScale; runs are spread
// before and after. Every lane of the warp calls.
__device__ inline void rotate_spread_but_for_factor(LaneRuns& x) {
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
    for (int run = 0; run < kLaneRuns; ++run) x[run][at] = column[run];
  }
}

// The same with it: the same bits.
__device__ inline void rotate_spread_runs(LaneRuns& x) {
  rotate_spread_but_for_factor(x);
#pragma unroll
  for (auto& run : x) {
#pragma unroll
    for (float& value : run) value *= numerics::kRotationScale;
  }
}

// What rotate_but_for_factors() needs of a lane, and what it leaves out.
struct LaneSigns {
  float of[2];  // by the lane's last bit, by the one before: -1 where it is set
};
__device__ inline LaneSigns lane_signs() {
  return {(device::lane() & 1) != 0 ? -1.0f : 1.0f, (device::lane() & 2) != 0 ? -1.0f : 1.0f};
}
__device__ inline void factors_of(const LaneSigns& signs, float scale, float (&to)[kLaneRuns]) {
  to[0] = scale;
  to[1] = signs.of[0] * to[0];
  to[2] = signs.of[1] * to[0];
  to[3] = signs.of[1] * to[1];
}

// The same of runs that are together before, and spread after, but for factors. Two lanes swap half
// of their numbers, so that both operands of a stage lie in one lane: one shuffle a number instead
// of two. Which half must not depend on the lane, or each number would take a select besides: lanes
// whose bit is set have sums and differences of the stage two before in each other's place, which
// the signs of its addends do. Run i lacks factor i of factors_of(kRotationScale), which
// differences also need that a lane takes the other way round.
__device__ inline void rotate_but_for_factors(const LaneSigns& signs, LaneRuns& x) {
  static_assert(kBlockLanes == kLaneRuns && kLaneRuns == 4);
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
        y[run] = fmaf(signs.of[stage], b, a);  // rounds once, as a + b and a - b
        y[run + half] = fmaf(-signs.of[stage], b, a);
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
  const LaneSigns signs = lane_signs();
  rotate_but_for_factors(signs, x);
  float factors[kLaneRuns];
  factors_of(signs, numerics::kRotationScale, factors);
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

// As numerics::int8_scale(), but for the last bit.
__device__ inline float int8_scale_approx(float amax) {
  return (amax < numerics::kSmallestAmax ? numerics::kSmallestAmax : amax) *
         (1.0f / numerics::kInt8Max);
}

// x * factor to the nearest integers, as RotatedInt8Runs::round() but for ties of the product
// before it is rounded, and NaN.
__device__ inline uint2 rounded_run(const float (&x)[kRun], float factor) {
  constexpr float kRound = 12582912.0f;
  uint32_t sums[kRun];
#pragma unroll
  for (int i = 0; i < kRun; ++i) sums[i] = numerics::bits_of(fmaf(x[i], factor, kRound));
  return {device::lowest_bytes(sums[0], sums[1], sums[2], sums[3]),
          device::lowest_bytes(sums[4], sums[5], sums[6], sums[7])};
}

// The kinds of 8-bit rows of warps: what is done to the runs of a lane, the scale of a row and its
// inverse, and a run's rounding. This one has the bytes of numerics::rotate_block() and
// quantise_int8().
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
  static __device__ float inverse(float scale) { return 1.0f / scale; }
  static __device__ uint2 round(const float (&x)[kRun], float inverse_scale) {
    uint32_t bytes[kRun];
#pragma unroll
    for (int at = 0; at < kRun; ++at) bytes[at] = quantised_byte(x[at], inverse_scale);
    return {device::lowest_bytes(bytes[0], bytes[1], bytes[2], bytes[3]),
            device::lowest_bytes(bytes[4], bytes[5], bytes[6], bytes[7])};
  }
};
// The same by fewer instructions, but for the last bits of scales, numbers near ties, and the
// numbers of rows with a NaN.
struct FusedInt8Runs : RotatedInt8Runs {
  template <RunOrder kOrder>
  static __device__ void prepare(LaneRuns& x) {
    static_assert(kOrder == RunOrder::kSpread);
    rotate_spread_but_for_factor(x);
  }
  static __device__ float scale(float amax) {
    return int8_scale_approx(amax * numerics::kRotationScale);
  }
  static __device__ float inverse(float scale) { return device::reciprocal_approx(scale); }
  static __device__ uint2 round(const float (&x)[kRun], float inverse_scale) {
    return rounded_run(x, numerics::kRotationScale * inverse_scale);
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
  static __device__ float inverse(float scale) { return 1.0f / scale; }
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
template <typename Int8Runs = RotatedInt8Runs, typename Visitor>
void with_scaled_runs(DType dtype, Visitor&& visit) {
  if (dtype == DType::kI8) return visit(Int8Runs{});
  visit(ScaledE4M3Runs{});
}

}  // namespace reel::cuda
