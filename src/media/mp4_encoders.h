// SPDX-License-Identifier: Apache-2.0
// Which encoder an MP4 file gets, and how good. The same for FFmpeg's libraries and its program.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "media/frame_writer.h"

namespace reel::media {

// FFmpeg's names, tried in this order; the last is no H.264 but there in every FFmpeg.
inline constexpr const char* kEncoders[] = {"libx264", "libopenh264", "h264_nvenc", "mpeg4"};

// Fixed, because x264's output depends on it.
inline constexpr int kEncoderThreads = 4;

// options.encoders, or kEncoders when there are none.
std::vector<std::string> encoders_to_try(const WriterOptions& options);

// The options of that encoder which come nearest to CRF `quality`, 0 to 51, as FFmpeg names them.
using EncoderSettings = std::vector<std::pair<std::string, std::string>>;
EncoderSettings quality_settings(std::string_view encoder, int quality);

// The file's length is counted in parts of a second; by default in milliseconds, which a frame is
// not.
int movie_timescale(const FrameRate& rate);

// Throws kUnsupported. `tried`: "libx264 (why not), mpeg4 (why not)".
[[noreturn]] void fail_without_encoder(const WriterOptions& options, const std::string& tried);

}  // namespace reel::media
