// SPDX-License-Identifier: Apache-2.0
// Tiles blended as LightX2V's tiled_decode has it: all of them in memory, in f64.
#pragma once

#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace reel::test {

// Frames [frames, height, width, 3].
struct Video {
  Video(int64_t frames, int64_t height, int64_t width);
  explicit Video(const Tensor& pixels);

  // `x` counts numbers, three of a pixel.
  double& at(int64_t frame, int64_t y, int64_t x) {
    return pixels[static_cast<size_t>((frame * height + y) * width * 3 + x)];
  }

  int64_t frames, height, width;
  std::vector<double> pixels;
};

// `tiles` row by row, `across` of them in each.
Video blended(std::vector<Video> tiles, int64_t across, int64_t height, int64_t width);

// The largest difference of any pixel.
double largest_difference(const Tensor& made, const Video& want);

}  // namespace reel::test
