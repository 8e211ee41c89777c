// SPDX-License-Identifier: Apache-2.0
#include "formats/byte_reader.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/expect_error.h"

namespace reel::formats {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(ByteReader, ReadsLittleEndianNumbers) {
  ByteReader reader(bytes_of({"\x01\x02\x03\x04\x05\x06\x07\x00\x00\x00\x00\x00\x00\x00\x80", 15}),
                    "x");

  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0302);
  EXPECT_EQ(reader.u32(), 0x07060504u);
  EXPECT_EQ(reader.u64(), 0x8000000000000000u);
  EXPECT_EQ(reader.remaining_bytes(), 0u);
}

TEST(ByteReader, ReadsFloats) {
  ByteReader reader(bytes_of({"\x00\x00\x80\x3f\x00\x00\x00\x00\x00\x00\xf0\x3f", 12}), "x");

  EXPECT_EQ(reader.f32(), 1.0f);
  EXPECT_EQ(reader.f64(), 1.0);
}

TEST(ByteReader, SaysWhereTheBytesEnd) {
  ByteReader reader(bytes_of("abc"), "\"x.gguf\"");
  reader.u8();

  EXPECT_REEL_ERROR(reader.u32(), kBadFile,
                    "\"x.gguf\" ends at byte 3; at byte 1 another 4 bytes are needed");
  EXPECT_EQ(reader.position_bytes(), 1u);
}

TEST(ByteReader, RefusesACountThatWouldWrapAround) {
  ByteReader reader(bytes_of("abc"), "x");
  reader.u8();

  EXPECT_REEL_ERROR(reader.take(std::numeric_limits<uint64_t>::max()), kBadFile, "ends at byte 3");
}

TEST(ByteReader, ReadsLines) {
  ByteReader reader(bytes_of("torch\n\nrest"), "x");

  EXPECT_EQ(reader.line(), "torch");
  EXPECT_EQ(reader.line(), "");
  EXPECT_REEL_ERROR(reader.line(), kBadFile, "within a line");
}

}  // namespace
}  // namespace reel::formats
