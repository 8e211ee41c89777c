// SPDX-License-Identifier: Apache-2.0
// MP4 files: H.264, 4:2:0, BT.709, limited range, index in front of the frames.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "media/frame_writer.h"

namespace reel::media {

// Tried in this order; the last is no H.264 but there in every FFmpeg.
inline constexpr const char* kEncoders[] = {"libx264", "libopenh264", "h264_nvenc", "mpeg4"};

// Frames of odd width or height are stored as 4:4:4, which not every player shows.
//
// The same frames, options and FFmpeg give the same bytes: the number of encoder threads is fixed
// and no date is written. The comment goes into the "comment" tag; since the index is written
// last and then moved to the front, it may be known as late as at finish().
//
// Throws kUnsupported, naming each encoder and why it was passed over; kIo.
std::unique_ptr<FrameFile> make_mp4_file(const std::filesystem::path& path,
                                         const WriterOptions& options);

// The "comment" tag of an MP4 file, if it has one. Throws kNotFound when there is no such file,
// kBadFile when it is no MP4 file.
std::optional<std::string> read_comment(const std::filesystem::path& path);

}  // namespace reel::media
