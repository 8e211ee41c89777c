// SPDX-License-Identifier: Apache-2.0
// A frame made smaller.
#pragma once

#include "media/frame.h"

namespace reel::media {

// `times` x `times` pixels become one, their mean; what is left over at the right and at the bottom
// is cut off. Throws kInvalidArgument when `times` is less than 1 or nothing would be left.
Frame shrink(const FrameView& frame, int times);

}  // namespace reel::media
