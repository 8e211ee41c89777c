// SPDX-License-Identifier: Apache-2.0
#include "media/shrink.h"

#include "base/error.h"

namespace reel::media {

Frame shrink(const FrameView& frame, int times) {
  REEL_REQUIRE(times >= 1 && times <= frame.width_px && times <= frame.height_px &&
                   frame.rgb.size() == size_t{3} * frame.width_px * frame.height_px,
               kInvalidArgument,
               str_cat("A frame of ", frame.width_px, 'x', frame.height_px, " with ",
                       frame.rgb.size(), " bytes cannot be shrunk ", times, " times."));
  Frame out(frame.height_px / times, frame.width_px / times);
  const int pixels = times * times;
  uint8_t* to = out.rgb.data();
  for (int row = 0; row < out.height_px; ++row) {
    for (int col = 0; col < out.width_px; ++col) {
      for (int channel = 0; channel < 3; ++channel) {
        int sum = pixels / 2;
        for (int at = 0; at < pixels; ++at) {
          const int64_t from_row = int64_t{row} * times + at / times;
          const int64_t from_col = int64_t{col} * times + at % times;
          sum +=
              frame.rgb[static_cast<size_t>((from_row * frame.width_px + from_col) * 3 + channel)];
        }
        *to++ = static_cast<uint8_t>(sum / pixels);
      }
    }
  }
  return out;
}

}  // namespace reel::media
