// SPDX-License-Identifier: Apache-2.0
// Names that come from the network or the command line, before they become paths and addresses.
#pragma once

#include <string>
#include <string_view>

namespace reel::hub {

// A file's path within a repository that may become a path below a folder of ours: relative, no
// empty, "." or ".." part, no control character or backslash, at most 1024 bytes and 255 a part.
bool is_safe_path(std::string_view path);

// "organisation/repository" as the hub allows them.
bool is_repository_id(std::string_view text);

// A commit in full: 40 hexadecimal digits.
bool is_commit(std::string_view text);

// A branch, a tag or a commit.
bool is_revision(std::string_view text);

// Percent-encoded for an address; `keep_slashes` for paths.
std::string url_encoded(std::string_view text, bool keep_slashes);

// Text of a server for a message of ours: one line, printable ASCII, at most `most` letters.
std::string printable(std::string_view text, size_t most = 200);

}  // namespace reel::hub
