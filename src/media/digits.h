// SPDX-License-Identifier: Apache-2.0
// Numbers drawn into a frame.
#pragma once

#include <cstdint>

#include "media/frame.h"

namespace reel::media {

// Of one digit at scale 1; the next one begins a column of pixels after it.
inline constexpr int kDigitWidthPx = 5;
inline constexpr int kDigitHeightPx = 7;

// Draws `number` in white, each dot `scale` x `scale` pixels. What lies outside the frame is left
// out.
struct DigitPlace {
  int top_px = 0, left_px = 0;
  int scale = 1;
};
void draw_number(uint64_t number, const DigitPlace& place, Frame& frame);

}  // namespace reel::media
