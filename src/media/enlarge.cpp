// SPDX-License-Identifier: Apache-2.0
#include "media/enlarge.h"

#include <algorithm>

#include "base/error.h"

namespace reel::media {
namespace {

constexpr int kMostTimes = 64;

// Between which two pixels the centre of an enlarged one lies: weights in parts of 2 * times.
struct Between {
  int low, high;
  int high_parts;
};

Between between(int at, int times, int size) {
  const int parts = 2 * times;
  const int centre = 2 * at + 1 - times;  // in parts, from the centre of pixel 0
  if (centre <= 0) return {0, 0, 0};
  const int low = centre / parts;
  return {std::min(low, size - 1), std::min(low + 1, size - 1), centre % parts};
}

}  // namespace

Frame enlarge(const FrameView& frame, int times) {
  REEL_REQUIRE(times >= 1 && times <= kMostTimes && frame.width_px > 0 && frame.height_px > 0 &&
                   frame.rgb.size() == size_t{3} * frame.width_px * frame.height_px,
               kInvalidArgument,
               str_cat("A frame of ", frame.width_px, 'x', frame.height_px, " with ",
                       frame.rgb.size(), " bytes cannot be enlarged ", times, " times; 1 to ",
                       kMostTimes, " times and 3 bytes per pixel are needed."));
  Frame out(frame.height_px * times, frame.width_px * times);
  const int parts = 2 * times;
  const auto pixel = [&](int row, int col) {
    return frame.rgb.data() + (int64_t{row} * frame.width_px + col) * 3;
  };
  uint8_t* to = out.rgb.data();
  for (int row = 0; row < out.height_px; ++row) {
    const Between down = between(row, times, frame.height_px);
    for (int col = 0; col < out.width_px; ++col) {
      const Between right = between(col, times, frame.width_px);
      for (int channel = 0; channel < 3; ++channel) {
        const auto across = [&](int line) {
          return pixel(line, right.low)[channel] * (parts - right.high_parts) +
                 pixel(line, right.high)[channel] * right.high_parts;
        };
        const int sum =
            across(down.low) * (parts - down.high_parts) + across(down.high) * down.high_parts;
        *to++ = static_cast<uint8_t>((sum + parts * parts / 2) / (parts * parts));
      }
    }
  }
  return out;
}

}  // namespace reel::media
