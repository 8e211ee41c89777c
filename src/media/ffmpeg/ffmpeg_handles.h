// SPDX-License-Identifier: Apache-2.0
// FFmpeg objects that free themselves, and FFmpeg's errors and log lines in our form.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <memory>
#include <string>

namespace reel::media {

struct FfmpegDeleter {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

using CodecHandle = std::unique_ptr<AVCodecContext, FfmpegDeleter>;
using FrameHandle = std::unique_ptr<AVFrame, FfmpegDeleter>;
using PacketHandle = std::unique_ptr<AVPacket, FfmpegDeleter>;

// "No space left on device", "Invalid data found when processing input", ...
std::string ffmpeg_error_text(int code);

// Sends FFmpeg's log lines to ours as debug lines, process-wide. Without this it writes to stderr.
void redirect_ffmpeg_log();

}  // namespace reel::media
