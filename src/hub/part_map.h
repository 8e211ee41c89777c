// SPDX-License-Identifier: Apache-2.0
// Which bytes of a file are there, part by part, and that as text beside an unfinished file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reel::hub {

class PartMap {
 public:
  // No byte is there. A file of 0 bytes has no parts.
  PartMap(uint64_t size_bytes, uint64_t part_bytes);

  // Parts for so many connections, neither tiny nor so large that a stop loses much.
  static uint64_t good_part_bytes(uint64_t size_bytes, int connections);

  size_t parts() const { return done_.size(); }
  uint64_t size_bytes() const { return size_bytes_; }
  uint64_t begin(size_t part) const { return part * part_bytes_; }
  uint64_t length(size_t part) const;
  // Bytes that are there, from the part's begin on.
  uint64_t done(size_t part) const { return done_[part]; }
  bool is_complete(size_t part) const { return done_[part] == length(part); }
  bool is_complete() const { return done_bytes_ == size_bytes_; }
  uint64_t done_bytes() const { return done_bytes_; }

  void add(size_t part, uint64_t bytes);
  void clear(size_t part);
  // The file's first bytes are there.
  void set_prefix(uint64_t bytes);

  // Who served the bytes that are there, for servers that tell no digest.
  std::string etag;

  std::string text() const;
  // Empty for a text that this version did not write or that is of a file of another size.
  static std::optional<PartMap> read(std::string_view text, uint64_t size_bytes);

 private:
  uint64_t size_bytes_, part_bytes_;
  uint64_t done_bytes_ = 0;
  std::vector<uint64_t> done_;
};

}  // namespace reel::hub
