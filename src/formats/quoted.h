// SPDX-License-Identifier: Apache-2.0
// How file and tensor names appear in messages.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace reel::formats {

// "umt5.pth"
std::string quoted(const std::filesystem::path& path);

// A name that came out of a file: control and non-ASCII bytes appear as \x1b, long ones are cut.
std::string quoted_name(std::string_view name);

}  // namespace reel::formats
