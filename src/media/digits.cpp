// SPDX-License-Identifier: Apache-2.0
#include "media/digits.h"

#include <algorithm>
#include <array>
#include <string>

namespace reel::media {
namespace {

// Rows from the top; the leftmost dot is the highest of five bits.
using Glyph = std::array<uint8_t, kDigitHeightPx>;
constexpr std::array<Glyph, 10> kDigits{{
    {0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110},
    {0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110},
    {0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111},
    {0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110},
    {0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010},
    {0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110},
    {0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110},
    {0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000},
    {0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110},
    {0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100},
}};

void fill_dot(int top_px, int left_px, int scale, Frame& frame) {
  const int right_px = std::min(left_px + scale, frame.width_px);
  for (int row = std::max(top_px, 0); row < std::min(top_px + scale, frame.height_px); ++row) {
    for (int col = std::max(left_px, 0); col < right_px; ++col) {
      const size_t at = (static_cast<size_t>(row) * frame.width_px + col) * 3;
      std::fill_n(frame.rgb.begin() + static_cast<std::ptrdiff_t>(at), 3, uint8_t{255});
    }
  }
}

}  // namespace

void draw_number(uint64_t number, const DigitPlace& place, Frame& frame) {
  int left_px = place.left_px;
  for (const char digit : std::to_string(number)) {
    const Glyph& glyph = kDigits[static_cast<size_t>(digit - '0')];
    for (int row = 0; row < kDigitHeightPx; ++row) {
      for (int col = 0; col < kDigitWidthPx; ++col) {
        if ((glyph[static_cast<size_t>(row)] >> (kDigitWidthPx - 1 - col) & 1) == 0) continue;
        fill_dot(place.top_px + row * place.scale, left_px + col * place.scale, place.scale, frame);
      }
    }
    left_px += (kDigitWidthPx + 1) * place.scale;
  }
}

}  // namespace reel::media
