// SPDX-License-Identifier: Apache-2.0
// The seeds of several clips.
#pragma once

#include <cstdint>
#include <string_view>

namespace reel::cli {

struct SeedRange {
  uint64_t first = 0;
  int count = 1;  // 1 to kMostClips
};

inline constexpr int kMostClips = 10000;

// "7" is one seed, "1..8" eight of them. Throws kInvalidArgument, naming --seed.
SeedRange parse_seed_range(std::string_view text);

}  // namespace reel::cli
