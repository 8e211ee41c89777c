// SPDX-License-Identifier: Apache-2.0
// mt19937: the word generator behind PyTorch's CPU random numbers.
//
// Source: Matsumoto & Nishimura 1998, "Mersenne Twister". The words equal std::mt19937's; this
// one shows its state, so that a generator can be saved and continued.
#pragma once

#include <cstdint>

namespace reel::numerics {

struct Mt19937 {
  static constexpr uint32_t kWords = 624;
  static constexpr uint32_t kMiddle = 397;

  uint32_t words[kWords];
  uint32_t next = kWords;  // kWords: all words are used up, the next draw twists first

  explicit Mt19937(uint32_t seed) {
    words[0] = seed;
    for (uint32_t index = 1; index < kWords; ++index) {
      const uint32_t before = words[index - 1];
      words[index] = 1812433253u * (before ^ (before >> 30)) + index;
    }
  }

  uint32_t operator()() {
    if (next == kWords) twist();
    uint32_t y = words[next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }

 private:
  static uint32_t twisted(uint32_t high, uint32_t low) {
    const uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
    return (mixed >> 1) ^ ((0u - (low & 1u)) & 0x9908b0dfu);
  }

  void twist() {
    uint32_t index = 0;
    for (; index < kWords - kMiddle; ++index) {
      words[index] = words[index + kMiddle] ^ twisted(words[index], words[index + 1]);
    }
    for (; index < kWords - 1; ++index) {
      words[index] = words[index + kMiddle - kWords] ^ twisted(words[index], words[index + 1]);
    }
    words[index] = words[kMiddle - 1] ^ twisted(words[index], words[0]);
    next = 0;
  }
};

}  // namespace reel::numerics
