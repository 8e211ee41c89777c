// SPDX-License-Identifier: Apache-2.0
#include "formats/quoted.h"

#include <gtest/gtest.h>

namespace reel::formats {
namespace {

TEST(QuotedName, ShowsWhatATerminalMustNotSee) {
  EXPECT_EQ(quoted_name("blocks.0.q"), "\"blocks.0.q\"");
  EXPECT_EQ(quoted_name("a\x1b[31m\xff"), "\"a\\x1b[31m\\xff\"");
}

TEST(QuotedName, CutsLongNames) {
  EXPECT_EQ(quoted_name(std::string(121, 'a')), '"' + std::string(120, 'a') + "...\"");
}

}  // namespace
}  // namespace reel::formats
