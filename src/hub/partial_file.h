// SPDX-License-Identifier: Apache-2.0
// A file that arrives in pieces: its bytes under a temporary name, beside them which are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "hub/part_map.h"

namespace reel::hub {

struct PartialPlace {
  std::string name;                   // for messages
  std::filesystem::path partial;      // the bytes; beside it ".parts"
  std::filesystem::path lock;         // held while it is written; other programs respect it
  std::filesystem::path destination;  // where it is when complete
  // Another tool's unfinished copy, its first bytes, which is taken over; may be empty.
  std::filesystem::path prefix;
};

// Bytes of the file that an earlier attempt left.
uint64_t bytes_left_there(const PartialPlace& place, uint64_t size_bytes);

class PartialFile {
 public:
  // Goes on with what an earlier attempt left. Throws kBusy when another program writes it, kIo.
  PartialFile(PartialPlace place, uint64_t size_bytes, int connections);
  // Keeps what is there; removes a file of which nothing is.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  PartMap& map() { return map_; }
  const PartMap& map() const { return map_; }
  const PartialPlace& place() const { return place_; }

  // Appends to a part. Throws kIo, naming the destination, when the disk is full.
  void append(size_t part, std::span<const std::byte> bytes);
  // Writes down which bytes are there.
  void save() const;
  // Begins anew, with so large parts.
  void discard(uint64_t part_bytes);
  // All bytes are there and right: moves it to its destination.
  void commit();

 private:
  [[noreturn]] void fail_write(int error) const;

  PartialPlace place_;
  PartMap map_;
  int lock_ = -1;
  int descriptor_ = -1;
  bool is_committed_ = false;
};

}  // namespace reel::hub
