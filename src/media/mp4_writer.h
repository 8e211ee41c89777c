// SPDX-License-Identifier: Apache-2.0
// MP4 files: H.264, 4:2:0, BT.709, limited range, index in front of the frames.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "media/frame_writer.h"

namespace reel::media {

// What encodes on this machine.
enum class Mp4Route {
  kLibraries,  // FFmpeg's libraries, of the version the program was built with
  kProgram,    // the user's ffmpeg through a pipe
  kNone,
};

struct Mp4Support {
  Mp4Route route = Mp4Route::kNone;
  std::filesystem::path program;  // the ffmpeg on the PATH, when there is one
  std::string problem;            // one clause on what is missing, when there is no route
};
Mp4Support mp4_support();

inline constexpr const char* kInstallFfmpeg =
    "Install ffmpeg (Debian, Ubuntu: apt-get install ffmpeg)";

// Frames of odd width or height are stored as 4:4:4, which not every player shows.
//
// The same frames, options and FFmpeg give the same bytes: the number of encoder threads is fixed
// and no date is written. The comment goes into the "comment" tag, and may be known as late as at
// finish().
//
// Throws kUnsupported when there is no FFmpeg, or, naming each encoder and why it was passed over,
// when none of its encoders can be used; kIo.
std::unique_ptr<FrameFile> make_mp4_file(const std::filesystem::path& path,
                                         const WriterOptions& options);

}  // namespace reel::media
