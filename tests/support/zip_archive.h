// SPDX-License-Identifier: Apache-2.0
// Writes a small zip archive.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "formats/zip_layout.h"

namespace reel::test {

// All entries are zeros, but for the start of the first one.
inline void write_archive(const std::filesystem::path& path,
                          std::vector<formats::ZipRecord> records,
                          std::string_view first_content = {}) {
  const auto write_at = [](OutputFile& file, uint64_t offset_bytes, std::string_view bytes) {
    file.write_at(offset_bytes, std::as_bytes(std::span(bytes)));
  };
  formats::ZipLayout layout(std::move(records));
  OutputFile file(path);
  for (const formats::ZipRecord& record : layout.records()) {
    write_at(file, record.header_offset_bytes, layout.local_header(record));
  }
  write_at(file, layout.records()[0].data_offset_bytes, first_content);
  write_at(file, layout.end_of_data_bytes(), layout.directory());
  file.commit();
}

}  // namespace reel::test
