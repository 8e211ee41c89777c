// SPDX-License-Identifier: Apache-2.0
// What the hub's API answers, read as hostile input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/content_hash.h"

namespace reel::hub {

struct RemoteFile {
  std::string path;  // is_safe_path()
  uint64_t size_bytes = 0;
  ContentId id;
};

// More is refused: no checkpoint comes near.
inline constexpr uint64_t kMostFileBytes = uint64_t{1} << 43;
inline constexpr size_t kMostFiles = 100'000;
inline constexpr uint64_t kMostAnswerBytes = uint64_t{32} << 20;

// The files of one page of GET api/models/<id>/tree/<commit>: a JSON array of objects with type,
// path, size, oid, and for large files lfs.oid and lfs.size. Folders are left out. Throws kBadFile
// naming `source` for anything else, a path that leads out of the repository, or a size that cannot
// be.
std::vector<RemoteFile> read_tree_page(std::string_view text, const std::string& source);

// "sha" of GET api/models/<id>/revision/<revision>. Throws kBadFile as above.
std::string read_commit(std::string_view text, const std::string& source);

// The address with rel="next" of a Link header (RFC 8288), or empty.
std::string next_page(std::string_view link_header);

}  // namespace reel::hub
