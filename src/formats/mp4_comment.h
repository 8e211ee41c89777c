// SPDX-License-Identifier: Apache-2.0
// The comment tag of an MP4 file, where a clip's recipe is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace reel::formats {

// Follows moov/udta/meta/ilst/(c)cmt/data (ISO/IEC 14496-12 for the boxes; the list of tags is
// QuickTime's, as FFmpeg writes it). Empty when the file has no such tag. The text may be anything.
//
// Throws kNotFound when there is no such file; kBadFile when it is no MP4 file, is cut short or its
// boxes do not fit into each other.
std::optional<std::string> read_mp4_comment(const std::filesystem::path& path);

}  // namespace reel::formats
