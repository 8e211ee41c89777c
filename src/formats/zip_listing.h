// SPDX-License-Identifier: Apache-2.0
// Where the files of a zip archive lie.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/file.h"

namespace reel::formats {

struct ZipEntry {
  uint64_t offset_bytes = 0;  // of the data, from the start of the archive
  uint64_t size_bytes = 0;    // as stored
  bool is_plain = false;      // neither compressed nor encrypted; only then are the others set
};

// Zip64 included. Every plain entry lies inside the file, and its local header agrees with the
// directory. Throws kBadFile when the directory is missing or damaged, kIo.
std::map<std::string, ZipEntry> list_zip(const InputFile& file);

}  // namespace reel::formats
