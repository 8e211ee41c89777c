// SPDX-License-Identifier: Apache-2.0
// MP4 files by the user's own `ffmpeg` program, where FFmpeg's libraries are missing.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "media/frame_writer.h"

namespace reel::media {

// The `ffmpeg` on the PATH.
std::optional<std::filesystem::path> find_ffmpeg_program();

// As make_mp4_file() of mp4_writer.h. `program` encodes from a pipe; when the last frame is in, it
// is started once more to store the comment and to move the index in front of the frames, which
// copies the encoded clip. What it says when it fails is in the message. It is killed when the
// file is given up.
//
// Throws kUnsupported when it opens no encoder, kIo when it cannot be started or write.
std::unique_ptr<FrameFile> make_piped_mp4_file(const std::filesystem::path& program,
                                               const std::filesystem::path& path,
                                               const WriterOptions& options);

}  // namespace reel::media
