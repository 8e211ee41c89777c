// SPDX-License-Identifier: Apache-2.0
// Shuffles and votes on the CPU.
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <cstdint>

#include "cuda_host/machine.h"

namespace reel::cuda::device {

using cuda_host::Shuffle;
using cuda_host::Site;

inline constexpr int kWarpSize = 32;

inline int lane() { return static_cast<int>(threadIdx.x % kWarpSize); }
inline int warp_in_block() { return static_cast<int>(threadIdx.x / kWarpSize); }

template <typename T>
T shuffle_xor(T value, int mask, Site site = Site::here()) {
  return std::bit_cast<T>(
      cuda_host::shuffle(Shuffle::kXor, std::bit_cast<uint32_t>(value), mask, site));
}
template <typename T>
T shuffle(T value, int from, Site site = Site::here()) {
  return std::bit_cast<T>(
      cuda_host::shuffle(Shuffle::kFrom, std::bit_cast<uint32_t>(value), from, site));
}
template <typename T>
T kept(T value, Site site = Site::here()) {
  return shuffle(value, lane(), site);
}
template <typename T>
T shuffle_down(T value, int distance, Site site = Site::here()) {
  return std::bit_cast<T>(
      cuda_host::shuffle(Shuffle::kDown, std::bit_cast<uint32_t>(value), distance, site));
}
template <typename T>
T shuffle_up(T value, int distance, Site site = Site::here()) {
  return std::bit_cast<T>(
      cuda_host::shuffle(Shuffle::kUp, std::bit_cast<uint32_t>(value), distance, site));
}

inline uint32_t largest_of_warp(uint32_t value, Site site = Site::here()) {
  for (int mask = kWarpSize / 2; mask > 0; mask /= 2) {
    value = max(value, shuffle_xor(value, mask, site));
  }
  return value;
}

inline bool vote_any(bool value, Site site = Site::here()) {
  return cuda_host::ballot(value, site) != 0;
}
inline bool vote_all(bool value, Site site = Site::here()) {
  return cuda_host::ballot(!value, site) == 0;
}

}  // namespace reel::cuda::device
