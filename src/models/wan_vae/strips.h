// SPDX-License-Identifier: Apache-2.0
// Which rows of each level make a strip of the picture.
#pragma once

#include <array>
#include <cstdint>

#include "models/wan_vae/config.h"
#include "ops/conv.h"

namespace reel::wan_vae {

using ops::Rows;

// A level's part of a strip, in rows of its frames.
struct LevelRows {
  Rows wanted;      // of the level's output, by the next level or the picture
  Rows held;        // what its tensors hold: wanted, and what six convolutions need around it
  int64_t all = 0;  // rows of a whole frame

  // The rows that `left` convolutions still to come need, counted from held.begin.
  Rows needed_by(int left) const;
  // The same of other rows of the frame.
  Rows in_held(const Rows& rows) const { return {rows.begin - held.begin, rows.end - held.begin}; }
};

// Rows of the picture that need nothing but this many rows of each level: with halos that shrink
// by a row at every 3 x 3 convolution, so that what is wanted is what the whole frame has there.
// Level 0 and what is before it are computed whole, so its halo is what level 1 wants alone.
struct Strip {
  Rows picture;
  std::array<LevelRows, kLevels> levels;
};

// Thinner strips would be more halo than strip.
inline constexpr int64_t kFewestRowsOfStrip = 4;
constexpr int64_t most_strips(int64_t latent_rows) {
  return latent_rows < kFewestRowsOfStrip ? 1 : latent_rows / kFewestRowsOfStrip;
}

// Strip `index` of `strips`, 1 to latent_rows, of about equal height. One strip is the whole frame.
Strip make_strip(int64_t latent_rows, int strips, int index);

// A frame is made larger in parts, so that the doubled pixels take no more than a level's own
// tensors do.
inline constexpr int kGrowParts = 2;
struct GrowPart {
  Rows to;    // of the grown frame, counted from the row that x's first one doubles to
  Rows from;  // of x, doubled and convolved to these
};
// Part `index` of rows `held` of what grows from x.
GrowPart make_grow_part(const Rows& held, int64_t x_rows, int index);

}  // namespace reel::wan_vae
