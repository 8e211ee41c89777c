// SPDX-License-Identifier: Apache-2.0
// Bits that look random, for operands to measure with: zeros would draw less power.
#pragma once

#include <cstdint>

namespace reel::cuda::device {

// One to one, and every bit of `x` moves about half the bits of the result.
__device__ inline uint32_t hash(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

}  // namespace reel::cuda::device
