// SPDX-License-Identifier: Apache-2.0
// Several frames laid out in one.
#pragma once

#include <span>

#include "media/frame.h"

namespace reel::media {

struct SheetLayout {
  int columns = 0;  // 0: as many as make the sheet about square
  int gap_px = 4;   // black lines between frames, none at the border
  int shrink = 1;   // 2 halves the sides of each frame: the mean of every 2x2 pixels
};

// Frames in reading order; places left over are black. Throws kInvalidArgument when there is no
// frame or their sizes differ.
Frame make_contact_sheet(std::span<const FrameView> frames, const SheetLayout& layout = {});

}  // namespace reel::media
