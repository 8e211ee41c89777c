// SPDX-License-Identifier: Apache-2.0
// Values from other lanes of a warp. Every lane of the warp must reach the same call.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace reel::cuda::device {

inline constexpr int kWarpSize = 32;

// Blocks are numbered in one dimension: threads of a warp differ in threadIdx.x only.
__device__ inline int lane() { return static_cast<int>(threadIdx.x % kWarpSize); }
__device__ inline int warp_in_block() { return static_cast<int>(threadIdx.x / kWarpSize); }

inline constexpr uint32_t kWholeWarp = 0xffffffffu;

// T is float, int32_t or uint32_t. The value of lane (own ^ mask).
template <typename T>
__device__ inline T shuffle_xor(T value, int mask) {
  return __shfl_xor_sync(kWholeWarp, value, mask);
}

// The value of lane `from`.
template <typename T>
__device__ inline T shuffle(T value, int from) {
  return __shfl_sync(kWholeWarp, value, from);
}

// The same value, which stays in a register: a compiler works out simple ones anew at every use,
// but not what came from another lane as far as it knows.
template <typename T>
__device__ inline T kept(T value) {
  return shuffle(value, lane());
}

// The value of lane (own + distance); lanes without such a neighbour keep their own.
template <typename T>
__device__ inline T shuffle_down(T value, int distance) {
  return __shfl_down_sync(kWholeWarp, value, static_cast<unsigned>(distance));
}

// The value of lane (own - distance); lanes without such a neighbour keep their own.
template <typename T>
__device__ inline T shuffle_up(T value, int distance) {
  return __shfl_up_sync(kWholeWarp, value, static_cast<unsigned>(distance));
}

// The largest of the warp's, which every lane gets.
__device__ inline uint32_t largest_of_warp(uint32_t value) {
  return __reduce_max_sync(kWholeWarp, value);
}

__device__ inline bool vote_any(bool value) { return __any_sync(kWholeWarp, value) != 0; }
__device__ inline bool vote_all(bool value) { return __all_sync(kWholeWarp, value) != 0; }

}  // namespace reel::cuda::device
