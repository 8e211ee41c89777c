// SPDX-License-Identifier: Apache-2.0
#include "media/yuv_converter.h"

#include <algorithm>

#include "base/error.h"

namespace reel::media {
namespace {

constexpr double kRed = 0.2126, kGreen = 0.7152, kBlue = 0.0722;
constexpr int kFractionBits = 16;
constexpr int kBlack = 16, kGrey = 128;  // the levels of no light and of no colour
// Halved chroma sums 2 rows of columns weighed 1, 2 and 1.
constexpr int kHalvedBits = 3;

struct Weights {
  int32_t red, green, blue;
};

constexpr int32_t fixed(double value) {
  const double scaled = value * (1 << kFractionBits);
  return static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

// Green makes the sum exact, so that greys stay grey and white is 235.
constexpr Weights with_sum(double red, double blue, double sum) {
  return {fixed(red), fixed(sum) - fixed(red) - fixed(blue), fixed(blue)};
}

constexpr double kLumaLevels = 219.0 / 255, kChromaLevels = 224.0 / 255;
constexpr double kCbScale = kChromaLevels / (2 * (1 - kBlue));
constexpr double kCrScale = kChromaLevels / (2 * (1 - kRed));
constexpr Weights kY = with_sum(kRed * kLumaLevels, kBlue* kLumaLevels, kLumaLevels);
constexpr Weights kCb = with_sum(-kRed * kCbScale, (1 - kBlue) * kCbScale, 0);
constexpr Weights kCr = with_sum((1 - kRed) * kCrScale, -kBlue* kCrScale, 0);
static_assert(kRed + kGreen + kBlue == 1);

// `scale_bits`: the colours are sums of 2^scale_bits pixels.
template <int scale_bits = 0>
uint8_t level(const Weights& weights, int red, int green, int blue, int offset) {
  constexpr int kBits = kFractionBits + scale_bits;
  const int32_t sum = weights.red * red + weights.green * green + weights.blue * blue;
  return static_cast<uint8_t>((sum + (offset << kBits) + (1 << (kBits - 1))) >> kBits);
}

YuvFrame::Plane make_plane(int height_px, int width_px) {
  return {std::vector<uint8_t>(static_cast<size_t>(height_px) * static_cast<size_t>(width_px)),
          height_px, width_px};
}

}  // namespace

Chroma chroma_for(int width_px, int height_px) {
  return width_px % 2 == 0 && height_px % 2 == 0 ? Chroma::k420 : Chroma::k444;
}

YuvConverter::YuvConverter(int width_px, int height_px, Chroma chroma)
    : width_px_(width_px), chroma_(chroma) {
  REEL_REQUIRE(chroma == Chroma::k444 || chroma_for(width_px, height_px) == Chroma::k420,
               kInvalidArgument,
               str_cat("Frames are ", width_px, 'x', height_px, "; 4:2:0 needs even sides."),
               "Choose another --size.");
  const int step = chroma == Chroma::k420 ? 2 : 1;
  yuv_.planes = {make_plane(height_px, width_px), make_plane(height_px / step, width_px / step),
                 make_plane(height_px / step, width_px / step)};
}

const YuvFrame& YuvConverter::convert(const FrameView& frame) {
  const auto row_of = [&](int row) {
    return frame.rgb.data() + static_cast<size_t>(row) * static_cast<size_t>(width_px_) * 3;
  };
  for (int row = 0; row < frame.height_px; ++row) convert_row(row_of(row), row);
  if (chroma_ == Chroma::k420) {
    for (int row = 0; row < frame.height_px; row += 2) {
      halve_rows(row_of(row), row_of(row + 1), row / 2);
    }
  }
  return yuv_;
}

void YuvConverter::convert_row(const uint8_t* rgb, int row) {
  const auto width = static_cast<size_t>(width_px_);
  const size_t start = static_cast<size_t>(row) * width;
  uint8_t* y = yuv_.planes[0].pixels.data() + start;
  for (size_t col = 0; col < width; ++col) {
    y[col] = level(kY, rgb[col * 3], rgb[col * 3 + 1], rgb[col * 3 + 2], kBlack);
  }
  if (chroma_ == Chroma::k420) return;
  uint8_t* cb = yuv_.planes[1].pixels.data() + start;
  uint8_t* cr = yuv_.planes[2].pixels.data() + start;
  for (size_t col = 0; col < width; ++col) {
    cb[col] = level(kCb, rgb[col * 3], rgb[col * 3 + 1], rgb[col * 3 + 2], kGrey);
    cr[col] = level(kCr, rgb[col * 3], rgb[col * 3 + 1], rgb[col * 3 + 2], kGrey);
  }
}

void YuvConverter::halve_rows(const uint8_t* upper, const uint8_t* lower, int chroma_row) {
  const int columns = width_px_ / 2;
  const size_t start = static_cast<size_t>(chroma_row) * static_cast<size_t>(columns);
  uint8_t* cb = yuv_.planes[1].pixels.data() + start;
  uint8_t* cr = yuv_.planes[2].pixels.data() + start;
  for (int col = 0; col < columns; ++col) {
    const int middle = col * 2;
    const int left = std::max(middle - 1, 0);  // the border is repeated
    const auto sum = [&](int channel) {
      return upper[left * 3 + channel] + 2 * upper[middle * 3 + channel] +
             upper[(middle + 1) * 3 + channel] + lower[left * 3 + channel] +
             2 * lower[middle * 3 + channel] + lower[(middle + 1) * 3 + channel];
    };
    const int red = sum(0), green = sum(1), blue = sum(2);
    cb[col] = level<kHalvedBits>(kCb, red, green, blue, kGrey);
    cr[col] = level<kHalvedBits>(kCr, red, green, blue, kGrey);
  }
}

}  // namespace reel::media
