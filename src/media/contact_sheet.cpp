// SPDX-License-Identifier: Apache-2.0
#include "media/contact_sheet.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace reel::media {
namespace {

// Columns for which the sheet's width comes nearest to its height.
int square_columns(size_t frames, const FrameView& frame) {
  const double wanted = std::sqrt(static_cast<double>(frames) * frame.height_px / frame.width_px);
  return std::clamp(static_cast<int>(std::lround(wanted)), 1, static_cast<int>(frames));
}

void require_alike(std::span<const FrameView> frames, const SheetLayout& layout) {
  REEL_REQUIRE(!frames.empty(), kInvalidArgument,
               "contact sheet: no frames, at least 1 is needed.");
  const FrameView& first = frames.front();
  const int shortest_px = std::min(first.width_px, first.height_px);
  REEL_REQUIRE(
      layout.columns >= 0 && layout.gap_px >= 0 && layout.shrink >= 1 &&
          layout.shrink <= shortest_px,
      kInvalidArgument,
      str_cat("contact sheet: ", layout.columns, " columns, gap ", layout.gap_px, " and shrink ",
              layout.shrink, " do not fit frames of ", first.width_px, 'x', first.height_px, '.'),
      "Use 4 columns, gap 4, shrink 1.");
  for (const FrameView& frame : frames) {
    REEL_REQUIRE(frame.width_px == first.width_px && frame.height_px == first.height_px &&
                     frame.rgb.size() == size_t{3} * first.width_px * first.height_px,
                 kInvalidArgument,
                 str_cat("contact sheet: a frame is ", frame.width_px, 'x', frame.height_px,
                         ", the first is ", first.width_px, 'x', first.height_px,
                         "; all must be the same."));
  }
}

// The mean of a square of shrink x shrink pixels.
uint8_t mean_of(const FrameView& frame, int row, int col, int channel, int shrink) {
  int sum = 0;
  for (int down = 0; down < shrink; ++down) {
    const int64_t line = int64_t{row * shrink + down} * frame.width_px;
    for (int right = 0; right < shrink; ++right) {
      sum += frame.rgb[static_cast<size_t>((line + int64_t{col} * shrink + right) * 3 + channel)];
    }
  }
  return static_cast<uint8_t>((sum + shrink * shrink / 2) / (shrink * shrink));
}

void place(const FrameView& frame, int shrink, int top_px, int left_px, Frame& sheet) {
  for (int row = 0; row < frame.height_px / shrink; ++row) {
    uint8_t* out = sheet.rgb.data() + (int64_t{top_px + row} * sheet.width_px + left_px) * 3;
    for (int col = 0; col < frame.width_px / shrink; ++col) {
      for (int channel = 0; channel < 3; ++channel) {
        *out++ = mean_of(frame, row, col, channel, shrink);
      }
    }
  }
}

}  // namespace

Frame make_contact_sheet(std::span<const FrameView> frames, const SheetLayout& layout) {
  require_alike(frames, layout);
  const FrameView& first = frames.front();
  const int count = static_cast<int>(frames.size());
  const int columns = layout.columns > 0 ? layout.columns : square_columns(frames.size(), first);
  const int rows = (count + columns - 1) / columns;
  const int step_down_px = first.height_px / layout.shrink + layout.gap_px;
  const int step_right_px = first.width_px / layout.shrink + layout.gap_px;
  Frame sheet(rows * step_down_px - layout.gap_px, columns * step_right_px - layout.gap_px);
  for (int index = 0; index < count; ++index) {
    place(frames[static_cast<size_t>(index)], layout.shrink, index / columns * step_down_px,
          index % columns * step_right_px, sheet);
  }
  return sheet;
}

}  // namespace reel::media
