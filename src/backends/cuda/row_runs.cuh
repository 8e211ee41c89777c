// SPDX-License-Identifier: Apache-2.0
// Rows in runs of eight neighbours, one run a thread: 16-byte accesses, and the rotation of
// core/numerics/int8_rotation.h among the 16 lanes that hold a block of 128.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "core/dtype.h"
#include "core/numerics/e4m3_rows.h"
#include "core/numerics/int8_rotation.h"
#include "core/numerics/small_floats.h"

namespace reel::cuda {

inline constexpr int kRun = 8;

using RunFloats = float[kRun];
using RunPairs = uint32_t[kRun / 2];  // of 16-bit floats

template <typename T>
struct alignas(kRun * sizeof(T) < 16 ? kRun * sizeof(T) : 16) RunOf {
  T at[kRun];
};

// Whether a row of `width` elements can be accessed by whole runs: its rows start at a multiple of
// 16 bytes when `base` does.
inline bool whole_runs(const void* base, int64_t width) {
  return reinterpret_cast<uintptr_t>(base) % 16 == 0 && width % kRun == 0;
}

// Loops over elements of a run that are no vector move the run along: a loop unrolled, in every run
// of a kernel that has many, is most of its code.
__device__ inline void rotate_left(float (&x)[kRun]) {
  const float first = x[0];
#pragma unroll
  for (int i = 1; i < kRun; ++i) x[i - 1] = x[i];
  x[kRun - 1] = first;
}

__device__ inline void widen_run(const RunOf<float>& run, float (&x)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) x[i] = run.at[i];
}
__device__ inline void widen_run(const RunOf<Half>& run, float (&x)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) x[i] = device::load_as_float(run.at[i]);
}
// Two numbers a word: a shift and a mask are all it takes.
__device__ inline void widen_run(const RunOf<BF16>& run, float (&x)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; i += 2) {
    uint32_t both;
    memcpy(&both, &run.at[i], sizeof both);
    device::unpack_bf16x2(both, x[i], x[i + 1]);
  }
}

// Pairs as they are stored.
template <typename T>
__device__ inline void keep_pairs(const RunOf<T>& run, RunPairs& pairs) {
  static_assert(sizeof run == sizeof pairs);
  memcpy(&pairs, &run, sizeof run);
}

// Two numbers an instruction; one at a time takes a unit of a quarter of the rate.
template <typename T>
__device__ inline RunOf<T> narrow_run(const float (&x)[kRun]) {
  RunOf<T> run;
  if constexpr (std::is_same_v<T, float>) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) run.at[i] = x[i];
  } else {
#pragma unroll
    for (int i = 0; i < kRun; i += 2) {
      const uint32_t both = std::is_same_v<T, BF16> ? device::pack_bf16x2(x[i], x[i + 1])
                                                    : device::pack_f16x2(x[i], x[i + 1]);
      memcpy(&run.at[i], &both, sizeof both);
    }
  }
  return run;
}

// `from` is a multiple of 16 bytes.
template <typename T>
__device__ inline void load_whole_run(const T* from, float (&x)[kRun]) {
  const RunOf<T> run = *reinterpret_cast<const RunOf<T>*>(from);
  widen_run(run, x);
}

// x = row[at] to row[at + 7], zeros from `width` on. `whole`: as whole_runs().
template <typename T>
__device__ inline void load_run(const T* row, int64_t at, int64_t width, bool whole,
                                float (&x)[kRun]) {
  if (whole && at < width) {
    const RunOf<T> run = *reinterpret_cast<const RunOf<T>*>(row + at);
#pragma unroll
    for (int i = 0; i < kRun; ++i) x[i] = device::load_as_float(run.at[i]);
    return;
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) x[i] = 0;
#pragma unroll 1
  for (int i = 0; i < kRun; ++i) {
    rotate_left(x);
    x[kRun - 1] = at + i < width ? device::load_as_float(row[at + i]) : 0.0f;
  }
}

// Nothing is written from `width` on.
template <typename T>
__device__ inline void store_run(T* row, int64_t at, int64_t width, bool whole,
                                 const float (&x)[kRun]) {
  if (whole && at < width) {
    *reinterpret_cast<RunOf<T>*>(row + at) = narrow_run<T>(x);
    return;
  }
  float rest[kRun];
#pragma unroll
  for (int i = 0; i < kRun; ++i) rest[i] = x[i];
#pragma unroll 1
  for (int i = 0; i < kRun && at + i < width; ++i) {
    device::store_from_float(row[at + i], rest[0]);
    rotate_left(rest);
  }
}

// numerics::rotate_block() over 16 neighbouring lanes, the same bits. Every lane of the warp calls.
__device__ inline void rotate_run(float (&x)[kRun]) {
#pragma unroll
  for (int half = 1; half < kRun; half *= 2) {
#pragma unroll
    for (int at = 0; at < kRun; ++at) {
      if ((at & half) != 0) continue;
      const float a = x[at];
      const float b = x[at + half];
      x[at] = a + b;
      x[at + half] = a - b;
    }
  }
#pragma unroll
  for (int mask = 1; mask < numerics::kRotationBlock / kRun; mask *= 2) {
    const bool upper = (device::lane() & mask) != 0;
#pragma unroll
    for (int at = 0; at < kRun; ++at) {
      const float other = device::shuffle_xor(x[at], mask);
      x[at] = upper ? other - x[at] : x[at] + other;
    }
  }
#pragma unroll
  for (int at = 0; at < kRun; ++at) x[at] *= numerics::kRotationScale;
}

__device__ inline float amax_of_run(const float (&x)[kRun]) {
  float amax = 0;
#pragma unroll
  for (int at = 0; at < kRun; ++at) amax = numerics::larger_magnitude(amax, x[at]);
  return amax;
}

// `to` is a multiple of 8 bytes.
__device__ inline void quantise_run(const float (&x)[kRun], float inverse_scale, int8_t* to) {
  RunOf<int8_t> run;
#pragma unroll
  for (int at = 0; at < kRun; ++at) run.at[at] = numerics::quantise_int8(x[at], inverse_scale);
  *reinterpret_cast<RunOf<int8_t>*>(to) = run;
}

// The two kinds of 8-bit rows: what is done to a run, the scale of a row, and the rounding. Every
// lane of the warp calls prepare(); `to` is a multiple of 8 bytes.
struct RotatedInt8 {
  using Number = int8_t;
  static __device__ void prepare(float (&x)[kRun]) { rotate_run(x); }
  static __device__ float scale(float amax) { return numerics::int8_scale(amax); }
  static __device__ void store(const float (&x)[kRun], float inverse_scale, int8_t* to) {
    quantise_run(x, inverse_scale, to);
  }
};
struct ScaledE4M3 {
  using Number = uint8_t;
  static __device__ void prepare(float (&)[kRun]) {}
  static __device__ float scale(float amax) { return numerics::e4m3_scale(amax); }
  static __device__ void store(const float (&x)[kRun], float inverse_scale, uint8_t* to) {
    RunOf<uint8_t> run;
#pragma unroll
    for (int at = 0; at < kRun; at += 2) {
      const uint16_t both = device::pack_e4m3x2(x[at] * inverse_scale, x[at + 1] * inverse_scale);
      run.at[at] = static_cast<uint8_t>(both);
      run.at[at + 1] = static_cast<uint8_t>(both >> 8);
    }
    *reinterpret_cast<RunOf<uint8_t>*>(to) = run;
  }
};

// Calls visit(Rows{}) for the 8-bit dtype.
template <typename Visitor>
void with_scaled_rows(DType dtype, Visitor&& visit) {
  if (dtype == DType::kI8) return visit(RotatedInt8{});
  visit(ScaledE4M3{});
}

}  // namespace reel::cuda
