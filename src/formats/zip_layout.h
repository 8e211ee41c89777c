// SPDX-License-Identifier: Apache-2.0
// Lays out a zip archive whose entries are stored as they are and whose sizes are known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reel::formats {

struct ZipRecord {
  std::string name;
  uint64_t size_bytes = 0;
  uint32_t crc = 0;  // may be set after the layout is made; no size depends on it
  // Set by the layout, from the start of the archive.
  uint64_t header_offset_bytes = 0;
  uint64_t data_offset_bytes = 0;
};

// Data start at multiples of 64 bytes, as PyTorch wants it; the local headers are padded. Above
// 4 GiB, or with more than 65,534 entries, every record is zip64.
class ZipLayout {
 public:
  explicit ZipLayout(std::vector<ZipRecord> records);

  std::vector<ZipRecord>& records() { return records_; }
  // Where the directory starts.
  uint64_t end_of_data_bytes() const { return end_of_data_bytes_; }

  std::string local_header(const ZipRecord& record) const;
  std::string directory() const;

 private:
  void place();

  std::vector<ZipRecord> records_;
  bool is_zip64_ = false;
  uint64_t end_of_data_bytes_ = 0;
};

}  // namespace reel::formats
