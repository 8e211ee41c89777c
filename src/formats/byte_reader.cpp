// SPDX-License-Identifier: Apache-2.0
#include "formats/byte_reader.h"

#include <algorithm>
#include <bit>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel::formats {
namespace {

constexpr const char* kHint = "The download is incomplete, or the file is damaged.";

}  // namespace

std::span<const std::byte> ByteReader::take(uint64_t count_bytes) {
  if (count_bytes > remaining_bytes()) {
    throw EndOfBytes(ErrorCode::kBadFile,
                     str_cat(who_, " ends at byte ", with_commas(bytes_.size()), "; at byte ",
                             with_commas(position_bytes_), " another ", with_commas(count_bytes),
                             " bytes are needed."),
                     kHint);
  }
  const auto part = bytes_.subspan(position_bytes_, count_bytes);
  position_bytes_ += count_bytes;
  return part;
}

std::string_view ByteReader::text(uint64_t count_bytes) {
  const auto part = take(count_bytes);
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

std::string_view ByteReader::line() {
  const auto rest = bytes_.subspan(position_bytes_);
  const auto end = std::ranges::find(rest, std::byte{'\n'});
  if (end == rest.end()) {
    throw EndOfBytes(ErrorCode::kBadFile,
                     str_cat(who_, " ends at byte ", with_commas(bytes_.size()), " within a line."),
                     kHint);
  }
  const std::string_view found = text(static_cast<uint64_t>(end - rest.begin()));
  ++position_bytes_;
  return found;
}

uint64_t ByteReader::unsigned_integer(int count_bytes) {
  const auto part = take(static_cast<uint64_t>(count_bytes));
  uint64_t value = 0;
  for (int index = count_bytes - 1; index >= 0; --index) {
    value = value << 8 | std::to_integer<uint64_t>(part[static_cast<size_t>(index)]);
  }
  return value;
}

float ByteReader::f32() { return std::bit_cast<float>(u32()); }
double ByteReader::f64() { return std::bit_cast<double>(u64()); }

}  // namespace reel::formats
