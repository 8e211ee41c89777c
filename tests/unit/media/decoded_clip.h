// SPDX-License-Identifier: Apache-2.0
// A clip read back with FFmpeg's decoder, and frames to write.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "media/frame.h"

namespace reel::media {

struct DecodedClip {
  std::string codec;
  std::string pixel_format;
  std::string color_range, color_space, color_primaries, color_transfer, chroma_location;
  std::string frame_rate;  // "16/1"
  double duration_s = 0;
  std::vector<Frame> frames;  // turned back by the BT.709 formulas, not by FFmpeg
};

DecodedClip decode_clip(const std::filesystem::path& path);

// A smooth pattern that moves with `index`.
Frame gradient_frame(int height_px, int width_px, int index);

// Peak signal to noise ratio in dB over all channels.
double psnr_db(const Frame& a, const Frame& b);

}  // namespace reel::media
