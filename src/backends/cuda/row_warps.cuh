// SPDX-License-Identifier: Apache-2.0
// Rows in the registers of warps, 1024 columns a warp: eight blocks of 128. Four lanes have a
// block, each of them four runs of eight neighbours that are 32 columns apart. So two of the
// rotation's seven stages are between lanes, and five in registers.
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

// The first column of a lane's run within its warp's columns.
__device__ inline int column_of_run(int run) {
  const int lane = device::lane();
  return lane / kBlockLanes * numerics::kRotationBlock +
         (run * kBlockLanes + lane % kBlockLanes) * kRun;
}

// Zeros from the warp's column `width` on.
__device__ inline void clear_beyond(int width, LaneRuns& x) {
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
    if (column_of_run(run) < width) continue;
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

// numerics::rotate_block() of the warp's blocks, the same bits. Every lane of the warp calls.
__device__ inline void rotate_runs(LaneRuns& x) {
#pragma unroll
  for (auto& run : x) {
#pragma unroll
    for (int half = 1; half < kRun; half *= 2) add_and_subtract(run, half);
  }
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
  static __device__ void prepare(LaneRuns& x) { rotate_runs(x); }
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
