// SPDX-License-Identifier: Apache-2.0
#include "base/lower_case.h"

#include <gtest/gtest.h>

namespace reel {
namespace {

TEST(LowerCase, ChangesLettersOfAsciiAlone) {
  EXPECT_EQ(lower_case("Content-TYPE: @[AZ]`az{ 09"), "content-type: @[az]`az{ 09");
  EXPECT_EQ(lower_case("\xc3\x84 \xc9 \x80"), "\xc3\x84 \xc9 \x80");
  EXPECT_EQ(lower_case(""), "");
}

}  // namespace
}  // namespace reel
