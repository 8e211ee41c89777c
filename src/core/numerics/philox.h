// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10: four random words that depend on nothing but a counter and a key.
//
// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
#pragma once

#include <cstdint>

#include "core/numerics/host_device.h"

namespace reel::numerics {

struct PhiloxWords {
  uint32_t x, y, z, w;
};

// `counter` and `stream` are the low and high 64 bits of the 128-bit counter, `seed` the key.
REEL_HOST_DEVICE inline PhiloxWords philox4x32_10(uint64_t seed, uint64_t stream,
                                                  uint64_t counter) {
  PhiloxWords c{static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
  uint32_t key_x = static_cast<uint32_t>(seed);
  uint32_t key_y = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53u} * c.x;
    const uint64_t second = uint64_t{0xCD9E8D57u} * c.z;
    c = {static_cast<uint32_t>(second >> 32) ^ c.y ^ key_x, static_cast<uint32_t>(second),
         static_cast<uint32_t>(first >> 32) ^ c.w ^ key_y, static_cast<uint32_t>(first)};
    key_x += 0x9E3779B9u;
    key_y += 0xBB67AE85u;
  }
  return c;
}

}  // namespace reel::numerics
