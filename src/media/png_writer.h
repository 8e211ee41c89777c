// SPDX-License-Identifier: Apache-2.0
// Numbered PNG files, one per frame.
#pragma once

#include <filesystem>
#include <memory>

#include "media/frame_writer.h"

namespace reel::media {

// "out/shot.png" becomes out/shot-0001.png, out/shot-0002.png and so on. The files are made in a
// temporary folder and moved at finish(); the last folder of the path is created when missing.
// Several frames are compressed at a time, as many as there are cores, at most eight. Throws kIo.
std::unique_ptr<FrameFile> make_png_files(const std::filesystem::path& path);

}  // namespace reel::media
