// SPDX-License-Identifier: Apache-2.0
// RGB -> planar YUV, as video files want it: BT.709 matrix, limited range (Y 16..235).
#pragma once

#include "media/ffmpeg_handles.h"
#include "media/frame.h"

namespace reel::media {

// Chroma subsampled in both directions is sited left, as in MPEG-2 and H.264.
class YuvConverter {
 public:
  // `format`: AV_PIX_FMT_YUV420P or AV_PIX_FMT_YUV444P.
  YuvConverter(int width_px, int height_px, AVPixelFormat format);

  // The converted frame, tagged with its colours; valid until the next call. An encoder may keep
  // a reference: its pixels are then left alone.
  AVFrame* convert(const FrameView& frame);

 private:
  ScalerHandle scaler_;
  FrameHandle yuv_;
};

}  // namespace reel::media
