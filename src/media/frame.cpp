// SPDX-License-Identifier: Apache-2.0
#include "media/frame.h"

#include <bit>

#include "base/error.h"
#include "base/parallel.h"

namespace reel::media {
namespace {

constexpr int64_t kGrain = 1 << 16;

// scale and offset map the range to 0..255.
struct Mapping {
  float scale;
  float offset;
};

Mapping mapping_of(PixelRange range) {
  return range == PixelRange::kUnit ? Mapping{255.0f, 0.0f} : Mapping{127.5f, 127.5f};
}

uint8_t to_level(float pixel, Mapping mapping) {
  // The comparisons are ordered so that NaN becomes 0.
  float level = pixel * mapping.scale + mapping.offset;
  level = level > 0.0f ? level : 0.0f;
  level = level < 255.0f ? level : 255.0f;
  // At 1.5 * 2^23 the last bit of a float is worth 1: the sum rounds, its low byte is the level.
  return static_cast<uint8_t>(std::bit_cast<uint32_t>(level + 12582912.0f));
}

}  // namespace

Frame::Frame(int height, int width)
    : rgb(static_cast<size_t>(height) * static_cast<size_t>(width) * 3),
      height_px(height),
      width_px(width) {}

void to_rgb8(std::span<const float> pixels, PixelRange range, std::span<uint8_t> out) {
  REEL_REQUIRE(pixels.size() == out.size(), kInvalidArgument,
               str_cat(pixels.size(), " float pixels and room for ", out.size(),
                       ", both must be the same."));
  const Mapping mapping = mapping_of(range);
  parallel_for(static_cast<int64_t>(out.size()), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      out[index] = to_level(pixels[index], mapping);
    }
  });
}

void planes_to_rgb8(const PlanarPixels& planes, PixelRange range, Frame& out) {
  const Mapping mapping = mapping_of(range);
  const float* red = planes.red;
  const float* green = red + planes.plane_stride;
  const float* blue = green + planes.plane_stride;
  const int64_t count = int64_t{out.height_px} * out.width_px;
  parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    uint8_t* rgb = out.rgb.data();
    for (int64_t index = begin; index < end; ++index) {
      rgb[index * 3] = to_level(red[index], mapping);
      rgb[index * 3 + 1] = to_level(green[index], mapping);
      rgb[index * 3 + 2] = to_level(blue[index], mapping);
    }
  });
}

}  // namespace reel::media
