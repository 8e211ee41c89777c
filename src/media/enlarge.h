// SPDX-License-Identifier: Apache-2.0
// A small frame made larger.
#pragma once

#include "media/frame.h"

namespace reel::media {

// Each pixel becomes `times` x `times`, colours between pixel centres by bilinear interpolation.
// Throws kInvalidArgument when `times` is not 1 to 64 or the frame has no pixels.
Frame enlarge(const FrameView& frame, int times);

}  // namespace reel::media
