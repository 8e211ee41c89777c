// SPDX-License-Identifier: Apache-2.0
// MP4 files by FFmpeg's libraries.
#pragma once

#include <filesystem>
#include <memory>

#include "media/frame_writer.h"

namespace reel::media {

// As make_mp4_file() of mp4_writer.h.
std::unique_ptr<FrameFile> make_muxed_mp4_file(const std::filesystem::path& path,
                                               const WriterOptions& options);

}  // namespace reel::media
