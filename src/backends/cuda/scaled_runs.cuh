// SPDX-License-Identifier: Apache-2.0
// The kinds of 8-bit rows of warps (row_warps.cuh): what is done to the runs of a lane, the scale
// of a row, and the rounding of a run.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

#include "backends/cuda/device/approx.cuh"
#include "backends/cuda/device/bytes.cuh"
#include "backends/cuda/device/convert.cuh"
#include "backends/cuda/row_warps.cuh"
#include "backends/cuda/tensor_rotation.cuh"
#include "core/numerics/e4m3_rows.h"
#include "core/numerics/int8_rotation.h"
#include "core/numerics/small_floats.h"

namespace reel::cuda {

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

// x * factor to the nearest integers, as quantised_byte() but for ties of the product before it is
// rounded, and NaN.
__device__ inline uint2 rounded_run(const RunFloats& x, float factor) {
  constexpr float kRound = 12582912.0f;
  uint32_t sums[kRun];
#pragma unroll
  for (int i = 0; i < kRun; ++i) sums[i] = numerics::bits_of(fmaf(x[i], factor, kRound));
  return {device::lowest_bytes(sums[0], sums[1], sums[2], sums[3]),
          device::lowest_bytes(sums[4], sums[5], sums[6], sums[7])};
}

// What a kind of rows has:
//   using Number;                  what a number is stored as
//   template <RunOrder, int kTooLarge> class Preparation   made once; kTooLarge is taken away
//     void operator()(const From&, LaneRuns& to): every lane of the warp calls
//     static int column(int run)   of the warp's, which a run of `to` starts at
//     static constexpr bool kNeighbours   whether runs 2 i and 2 i + 1 are
//   static constexpr bool kFactorsAfter   whether a row's factor comes after the preparation
//   static float scale(float amax, float factor)
//   static float multiplier(float scale, float factor)   for round()
//   static uint2 round(const RunFloats&, float multiplier)

// The bytes of numerics::rotate_block() and quantise_int8().
struct RotatedInt8Runs {
  using Number = int8_t;
  static constexpr bool kFactorsAfter = false;

  template <RunOrder kOrder, int kTooLarge>
  struct Preparation {
    static_assert(kOrder == RunOrder::kTogether && kTooLarge == 0);
    static constexpr bool kNeighbours = false;
    __device__ void operator()(const LaneRuns& from, LaneRuns& to) const {
      copy_runs(from, to);
      rotate_runs_together(to);
    }
    static __device__ int column(int run) { return column_of_run<RunOrder::kSpread>(run); }
  };
  static __device__ float scale(float amax, float) { return numerics::int8_scale(amax); }
  static __device__ float multiplier(float scale, float) { return 1.0f / scale; }
  static __device__ uint2 round(const RunFloats& x, float inverse_scale) {
    uint32_t bytes[kRun];
#pragma unroll
    for (int at = 0; at < kRun; ++at) bytes[at] = quantised_byte(x[at], inverse_scale);
    return {device::lowest_bytes(bytes[0], bytes[1], bytes[2], bytes[3]),
            device::lowest_bytes(bytes[4], bytes[5], bytes[6], bytes[7])};
  }
};

// The same by tensor cores and fewer instructions, T being Half or BF16: of pairs but for the last
// bits of scales, numbers near ties, and the numbers of rows with a NaN. Floats are rounded to T
// first, which moves more.
template <typename T>
struct TensorInt8Runs {
  using Number = int8_t;
  static constexpr bool kFactorsAfter = true;

  template <RunOrder kOrder, int kTooLarge>
  class Preparation {
   public:
    static constexpr bool kNeighbours = kOrder == RunOrder::kTogether;
    __device__ void operator()(const LanePairs& from, LaneRuns& to) const { rotate_(from, to); }
    __device__ void operator()(const LaneRuns& from, LaneRuns& to) const {
      LanePairs pairs;
      round_to_pairs<T>(from, pairs);
      rotate_(pairs, to);
    }
    static __device__ int column(int run) {
      return Rotation::block_of_run(run) * numerics::kRotationBlock +
             Rotation::column_in_block(run);
    }

   private:
    using Rotation = TensorRotation<T, kOrder, kTooLarge>;
    Rotation rotate_;
  };
  static __device__ float scale(float amax, float factor) {
    return int8_scale_approx(amax * fabsf(numerics::kRotationScale * factor));
  }
  static __device__ float multiplier(float scale, float factor) {
    return numerics::kRotationScale * factor * device::reciprocal_approx(scale);
  }
  static __device__ uint2 round(const RunFloats& x, float multiplier) {
    return rounded_run(x, multiplier);
  }
};

struct ScaledE4M3Runs {
  using Number = uint8_t;
  static constexpr bool kFactorsAfter = false;

  template <RunOrder kOrder, int kTooLarge>
  struct Preparation {
    static_assert(kTooLarge == 0);
    static constexpr bool kNeighbours = kOrder == RunOrder::kTogether;
    __device__ void operator()(const LaneRuns& from, LaneRuns& to) const { copy_runs(from, to); }
    static __device__ int column(int run) { return column_of_run<kOrder>(run); }
  };
  static __device__ float scale(float amax, float) { return numerics::e4m3_scale(amax); }
  static __device__ float multiplier(float scale, float) { return 1.0f / scale; }
  static __device__ uint2 round(const RunFloats& x, float inverse_scale) {
    uint32_t pairs[kRun / 2];
#pragma unroll
    for (int at = 0; at < kRun; at += 2) {
      pairs[at / 2] = device::pack_e4m3x2(x[at] * inverse_scale, x[at + 1] * inverse_scale);
    }
    return {pairs[0] | pairs[1] << 16, pairs[2] | pairs[3] << 16};
  }
};

}  // namespace reel::cuda
