// SPDX-License-Identifier: Apache-2.0
// What the kernels of 16-bit attention share.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "backends/cuda/device/convert.cuh"
#include "backends/cuda/device/mma.cuh"
#include "core/numerics/small_floats.h"
#include "ops/kernels.h"

namespace reel::cuda::attention_parts {

inline constexpr int kRun = 8;               // numbers of one cp.async
inline constexpr float kNoMaximum = -1e30f;  // before the first key

// Row r has its 16-byte chunk c at c ^ (r % 8): eight rows of one column are in different banks.
template <int kRows, int kColumns>
struct Tile {
  static_assert(kColumns % 64 == 0);
  uint16_t at[kRows * kColumns];

  __device__ static int offset(int row, int chunk) {
    return row * kColumns + (chunk ^ row % 8) * kRun;
  }
};

template <typename T>
__device__ inline void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  if constexpr (std::is_same_v<T, Half>) {
    device::mma_f16(d, a, b);
  } else {
    device::mma_bf16(d, a, b);
  }
}

template <typename T>
__device__ inline uint32_t pack(float lo, float hi) {
  if constexpr (std::is_same_v<T, Half>) {
    return device::pack_f16x2(lo, hi);
  } else {
    return device::pack_bf16x2(lo, hi);
  }
}

// Weights are 2^kShift times what they are above: f16 is as fine as bf16 only above 2^-14.
template <typename T>
inline constexpr float kShift = std::is_same_v<T, Half> ? 8.0f : 0.0f;

// Whether every row of every operand can be copied 16 bytes at a time.
inline bool in_whole_chunks(const ops::AttentionArgs& args) {
  for (const void* data : {args.q, args.k, args.v, static_cast<const void*>(args.out)}) {
    if (reinterpret_cast<uintptr_t>(data) % 16 != 0) return false;
  }
  for (const int64_t stride :
       {args.q_stride, args.k_stride, args.v_stride, args.out_stride, args.head_dim}) {
    if (stride % kRun != 0) return false;
  }
  return true;
}

}  // namespace reel::cuda::attention_parts
