// SPDX-License-Identifier: Apache-2.0
// The decoder's levels as numbers, for what is known of a clip before it is decoded.
#pragma once

#include <array>

#include "models/wan_vae/footprint.h"
#include "models/wan_vae/strips.h"

namespace reel::wan_vae {

// One level in one strip: its frames, and the channels that come in and leave its residual blocks.
struct Level {
  LevelRows rows;
  int64_t cols = 0;
  int64_t in = 0, out = 0;
  int64_t frames = 0;           // that pass through it in a whole clip
  bool doubles_frames = false;  // on the way to the next level

  int64_t pixels() const { return rows.held.count() * cols; }
};
using Levels = std::array<Level, kLevels>;

inline Levels levels_of(const Config& config, const DecodeShape& shape, const Strip& strip) {
  const auto& c = config.channels;
  Levels levels;
  int64_t frames = shape.latent_frames;
  for (int index = 0; index < kLevels; ++index) {
    // Two levels double frames; the space convolutions of the first three halve channels.
    const bool first = index == 0;
    levels[static_cast<size_t>(index)] = {.rows = strip.levels[static_cast<size_t>(index)],
                                          .cols = shape.latent_cols << index,
                                          .in = first        ? c[0]
                                                : index == 1 ? c[1] / 2
                                                             : c[static_cast<size_t>(index) + 1],
                                          .out = c[static_cast<size_t>(index) + 1],
                                          .frames = frames,
                                          .doubles_frames = index < 2};
    if (index < 2) frames = 2 * frames - 1;
  }
  return levels;
}

inline Levels levels_of(const Config& config, const DecodeShape& shape, int strip) {
  return levels_of(config, shape, make_strip(shape.latent_rows, shape.strips, strip));
}

}  // namespace reel::wan_vae
