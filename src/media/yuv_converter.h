// SPDX-License-Identifier: Apache-2.0
// RGB -> planar YUV, as video files want it: BT.709 matrix, limited range (Y 16..235).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "media/frame.h"

namespace reel::media {

enum class Chroma {
  k420,  // halved in both directions; even sizes only
  k444,  // full
};

// Y, Cb, Cr without gaps between rows.
struct YuvFrame {
  struct Plane {
    std::vector<uint8_t> pixels;
    int height_px = 0;
    int width_px = 0;
  };
  std::array<Plane, 3> planes;
};

// H.264 in 4:2:0 needs even sides; what is odd is stored as 4:4:4.
Chroma chroma_for(int width_px, int height_px);

// ITU-R BT.709, section 3, to the nearest 8-bit level. Halved chroma is sited left, as in MPEG-2
// and H.264: each sample lies between two rows, on the even one of two columns, and weighs the
// three columns around it 1:2:1.
class YuvConverter {
 public:
  YuvConverter(int width_px, int height_px, Chroma chroma);

  // Valid until the next call.
  const YuvFrame& convert(const FrameView& frame);

 private:
  void convert_row(const uint8_t* rgb, int row);
  void halve_rows(const uint8_t* upper, const uint8_t* lower, int chroma_row);

  const int width_px_;
  const Chroma chroma_;
  YuvFrame yuv_;
};

}  // namespace reel::media
