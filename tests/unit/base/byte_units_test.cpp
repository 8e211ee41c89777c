// SPDX-License-Identifier: Apache-2.0
#include "base/byte_units.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel {
namespace {

TEST(ParseBytes, TakesACardSoldAs12GBFor12GiB) {
  const uint64_t twelve_gib = uint64_t{12} << 30;

  EXPECT_EQ(parse_bytes("12"), twelve_gib);
  EXPECT_EQ(parse_bytes("12GB"), twelve_gib);
  EXPECT_EQ(parse_bytes("12GiB"), twelve_gib);
  EXPECT_EQ(parse_bytes("12 g"), twelve_gib);
}

TEST(ParseBytes, TakesALargePlainNumberAsBytes) { EXPECT_EQ(parse_bytes("123456"), 123456u); }

TEST(ParseBytes, TakesFractions) { EXPECT_EQ(parse_bytes("1.5KiB"), 1536u); }

TEST(ParseBytes, NamesTextThatIsNoSize) {
  for (const char* text : {"", "x", "12 apples", "-1G", "1e300T"}) {
    EXPECT_REEL_ERROR(parse_bytes(text), kInvalidArgument, "is not a size in bytes");
  }
}

TEST(FormatBytes, PicksTheUnit) {
  EXPECT_EQ(format_bytes(17), "17 bytes");
  EXPECT_EQ(format_bytes(uint64_t{15} << 29), "7.5 GiB");
}

TEST(WithCommas, GroupsByThree) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(4294967296), "4,294,967,296");
}

}  // namespace
}  // namespace reel
