// SPDX-License-Identifier: Apache-2.0
// One frame of a clip as 8-bit RGB, and how float pixels become one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reel::media {

// rgb is [height_px, width_px, 3], rows without gaps. Does not own its pixels.
struct FrameView {
  std::span<const uint8_t> rgb;
  int height_px = 0;
  int width_px = 0;
};

struct Frame {
  std::vector<uint8_t> rgb;
  int height_px = 0;
  int width_px = 0;

  Frame() = default;
  Frame(int height, int width);
  FrameView view() const { return {rgb, height_px, width_px}; }
};

// What 0 and 255 stand for in float pixels.
enum class PixelRange {
  kUnit,    // 0..1, as in files of frames
  kSigned,  // -1..1, as the VAE makes them
};

// out = round(255 * x), x clamped to its range; NaN becomes 0.
//
//   pixels  [elements] f32, any order of axes
//   out     [elements] u8, same order
//
// Numerics: halves round to even, as in diffusers. LightX2V truncates bf16 values instead.
void to_rgb8(std::span<const float> pixels, PixelRange range, std::span<uint8_t> out);

// The same from separate planes, as a VAE leaves them: red, green and blue [height_px, width_px]
// each, `plane_stride` elements apart, to [height_px, width_px, 3].
struct PlanarPixels {
  const float* red = nullptr;
  int64_t plane_stride = 0;
};
void planes_to_rgb8(const PlanarPixels& planes, PixelRange range, Frame& out);

}  // namespace reel::media
