// SPDX-License-Identifier: Apache-2.0
// A bounds-checked cursor over little-endian bytes; every format is read through it.
#pragma once

#include <reel/error.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace reel::formats {

// The bytes ended inside a value. Told apart from other errors so that a reader that holds only
// the first part of a file can fetch more.
class EndOfBytes : public Error {
  using Error::Error;
};

class ByteReader {
 public:
  // `who` opens every message: "\"umt5.pth\"". `bytes` must outlive the reader and what it returns.
  ByteReader(std::span<const std::byte> bytes, std::string who)
      : bytes_(bytes), who_(std::move(who)) {}

  const std::string& who() const { return who_; }
  uint64_t position_bytes() const { return position_bytes_; }
  uint64_t remaining_bytes() const { return bytes_.size() - position_bytes_; }

  // All of these move on and throw EndOfBytes (kBadFile) when fewer bytes are left.
  uint8_t u8() { return static_cast<uint8_t>(unsigned_integer(1)); }
  uint16_t u16() { return static_cast<uint16_t>(unsigned_integer(2)); }
  uint32_t u32() { return static_cast<uint32_t>(unsigned_integer(4)); }
  uint64_t u64() { return unsigned_integer(8); }
  int32_t i32() { return static_cast<int32_t>(u32()); }
  float f32();
  double f64();
  std::span<const std::byte> take(uint64_t count_bytes);
  std::string_view text(uint64_t count_bytes);
  // Up to the next '\n', which is passed over.
  std::string_view line();

 private:
  uint64_t unsigned_integer(int count_bytes);

  std::span<const std::byte> bytes_;
  std::string who_;
  uint64_t position_bytes_ = 0;
};

}  // namespace reel::formats
