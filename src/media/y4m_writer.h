// SPDX-License-Identifier: Apache-2.0
// Y4M files: uncompressed YUV that every video tool reads.
#pragma once

#include <filesystem>
#include <memory>

#include "media/frame_writer.h"

namespace reel::media {

// 4:4:4, so that colours can be measured pixel by pixel; BT.709 matrix, limited range. The format
// has no field for the matrix: tell a reader that guesses (ffmpeg: -colorspace bt709). Throws kIo.
std::unique_ptr<FrameFile> make_y4m_file(const std::filesystem::path& path,
                                         const WriterOptions& options);

}  // namespace reel::media
