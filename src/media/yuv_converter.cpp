// SPDX-License-Identifier: Apache-2.0
#include "media/yuv_converter.h"

extern "C" {
#include <libavutil/opt.h>
}

#include "base/error.h"

namespace reel::media {
namespace {

ScalerHandle make_scaler(const AVFrame& to) {
  ScalerHandle scaler(sws_alloc_context());
  REEL_REQUIRE(scaler != nullptr, kOutOfMemory, "No memory for the colour conversion.");
  const auto set = [&](const char* name, int64_t value) {
    av_opt_set_int(scaler.get(), name, value, 0);
  };
  set("srcw", to.width);
  set("srch", to.height);
  set("dstw", to.width);
  set("dsth", to.height);
  set("src_format", AV_PIX_FMT_RGB24);
  set("dst_format", to.format);
  set("src_range", 1);
  set("dst_range", 0);
  // Chroma is sited left: between two rows, on the first of two columns.
  if (to.format == AV_PIX_FMT_YUV420P) {
    set("dst_h_chr_pos", 0);
    set("dst_v_chr_pos", 128);
  }
  set("sws_flags",
      SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INP | SWS_FULL_CHR_H_INT);
  const int* matrix = sws_getCoefficients(SWS_CS_ITU709);
  // Neither contrast nor brightness nor saturation is changed: 0, 1 and 1 in 16.16.
  sws_setColorspaceDetails(scaler.get(), matrix, 1, matrix, 0, 0, 1 << 16, 1 << 16);
  const int result = sws_init_context(scaler.get(), nullptr, nullptr);
  REEL_REQUIRE(result >= 0, kUnsupported,
               str_cat("FFmpeg cannot convert ", to.width, 'x', to.height,
                       " frames to YUV: ", ffmpeg_error_text(result), '.'),
               "Choose another size, or write PNG frames.");
  return scaler;
}

FrameHandle make_frame(int width_px, int height_px, AVPixelFormat format) {
  FrameHandle frame(av_frame_alloc());
  REEL_REQUIRE(frame != nullptr, kOutOfMemory, "No memory for a frame.");
  frame->width = width_px;
  frame->height = height_px;
  frame->format = format;
  frame->color_range = AVCOL_RANGE_MPEG;
  frame->colorspace = AVCOL_SPC_BT709;
  frame->color_primaries = AVCOL_PRI_BT709;
  frame->color_trc = AVCOL_TRC_BT709;
  frame->chroma_location = AVCHROMA_LOC_LEFT;
  const int result = av_frame_get_buffer(frame.get(), 0);
  REEL_REQUIRE(result != AVERROR(EINVAL), kUnsupported,
               str_cat("FFmpeg cannot hold frames of ", width_px, 'x', height_px, '.'),
               "Choose a smaller --size, or write PNG frames.");
  REEL_REQUIRE(result >= 0, kOutOfMemory, "No memory for a frame.");
  return frame;
}

}  // namespace

YuvConverter::YuvConverter(int width_px, int height_px, AVPixelFormat format)
    : yuv_(make_frame(width_px, height_px, format)) {
  scaler_ = make_scaler(*yuv_);
}

AVFrame* YuvConverter::convert(const FrameView& frame) {
  REEL_REQUIRE(av_frame_make_writable(yuv_.get()) >= 0, kOutOfMemory, "No memory for a frame.");
  const uint8_t* const planes[] = {frame.rgb.data()};
  const int strides[] = {frame.width_px * 3};
  sws_scale(scaler_.get(), planes, strides, 0, frame.height_px, yuv_->data, yuv_->linesize);
  return yuv_.get();
}

}  // namespace reel::media
