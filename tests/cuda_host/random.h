// SPDX-License-Identifier: Apache-2.0
// The order of threads and blocks, drawn from a seed.
#pragma once

#include <bit>
#include <cstdint>

namespace reel::cuda_host {

// splitmix64 (Steele, Lea & Flood 2014).
struct Random {
  uint64_t state;

  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // A random set bit of `mask`, which has one.
  int pick(uint32_t mask) {
    const int turn = static_cast<int>(next() >> 59);
    return (std::countr_zero(std::rotr(mask, turn)) + turn) % 32;
  }
};

}  // namespace reel::cuda_host
