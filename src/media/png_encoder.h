// SPDX-License-Identifier: Apache-2.0
// One frame -> the bytes of a PNG file and back.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "media/frame.h"

namespace reel::media {

// Throws kInvalidArgument when the frame's size and its bytes disagree.
std::vector<std::byte> encode_png(const FrameView& frame);

// Any PNG as 8-bit RGB; what is transparent becomes black. Throws kBadFile.
Frame decode_png(std::span<const std::byte> file);

}  // namespace reel::media
