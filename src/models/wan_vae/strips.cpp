// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/strips.h"

#include <algorithm>

namespace reel::wan_vae {
namespace {

Rows widened(const Rows& rows, int64_t by, int64_t all) {
  return {std::max<int64_t>(0, rows.begin - by), std::min(all, rows.end + by)};
}

// What a convolution over doubled rows, `all` of them, makes these rows from.
Rows before_doubling(const Rows& rows, int64_t all) {
  const Rows doubled = widened(rows, 1, all);
  return {doubled.begin / 2, (doubled.end + 1) / 2};
}

}  // namespace

Rows LevelRows::needed_by(int left) const { return in_held(widened(wanted, left, all)); }

Strip make_strip(int64_t latent_rows, int strips, int index) {
  Strip strip;
  const auto edge = [&](int64_t at) { return kRowStride * (at * latent_rows / strips); };
  strip.picture = {edge(index), edge(index + 1)};
  // From the picture back to the latents. The head is one convolution more.
  Rows wanted = widened(strip.picture, 1, kRowStride * latent_rows);
  for (int index_of_level = kLevels - 1; index_of_level >= 0; --index_of_level) {
    LevelRows& level = strip.levels[static_cast<size_t>(index_of_level)];
    level.all = latent_rows << index_of_level;
    level.wanted = wanted;
    level.held = index_of_level == 0 ? wanted : widened(wanted, kConvsPerLevel, level.all);
    wanted = before_doubling(level.held, level.all);
  }
  return strip;
}

GrowPart make_grow_part(const Rows& held, int64_t x_rows, int index) {
  const auto edge = [&](int64_t at) { return held.begin + at * held.count() / kGrowParts; };
  const Rows to{edge(index), edge(index + 1)};
  return {.to = to, .from = before_doubling(to, 2 * x_rows)};
}

}  // namespace reel::wan_vae
