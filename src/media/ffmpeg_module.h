// SPDX-License-Identifier: Apache-2.0
// FFmpeg's libraries, which may be missing: what uses them is a shared module of its own,
// libreel_ffmpeg.so, looked for beside the program (../lib) when the first MP4 file is written.
#pragma once

#include <reel/log.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "media/frame_writer.h"

namespace reel::media {

// What the module exports under the C name kFfmpegModuleSymbol. It is built with the program and
// used by no other: both sides see the same classes.
struct FfmpegModule {
  const char* version;  // kVersion of the build it belongs to
  // Throws as make_mp4_file() of mp4_writer.h. The caller owns what is returned.
  FrameFile* (*make_mp4_file)(const std::filesystem::path& path, const WriterOptions& options);
  // Where the module's log lines go.
  void (*set_log_sink)(void (*sink)(LogLevel, std::string_view));
};

inline constexpr const char* kFfmpegModuleSymbol = "reel_ffmpeg_module";

// Loaded once, on first use.
struct FfmpegModuleState {
  const FfmpegModule* module = nullptr;
  std::string problem;  // why it is null: "libavformat.so.59: cannot open shared object file: ..."
};
const FfmpegModuleState& ffmpeg_module();

}  // namespace reel::media
