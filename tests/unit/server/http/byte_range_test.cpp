// SPDX-License-Identifier: Apache-2.0
#include "server/http/byte_range.h"

#include <gtest/gtest.h>

namespace reel::server {
namespace {

struct Case {
  const char* header;
  RangeKind kind;
  uint64_t first, last;
};

TEST(ByteRange, IsReadAsRfc9110Has) {
  const Case cases[] = {
      {"bytes=0-0", RangeKind::kPart, 0, 0},
      {"bytes=2-", RangeKind::kPart, 2, 9},
      {"bytes=2-99", RangeKind::kPart, 2, 9},
      {"bytes=-3", RangeKind::kPart, 7, 9},
      {"bytes=-99", RangeKind::kPart, 0, 9},
      {"bytes=10-", RangeKind::kUnsatisfiable, 0, 0},
      {"bytes=-0", RangeKind::kUnsatisfiable, 0, 0},
      {"bytes=5-2", RangeKind::kWhole, 0, 0},
      {"bytes=0-1,3-4", RangeKind::kWhole, 0, 0},
      {"bytes=-", RangeKind::kWhole, 0, 0},
      {"bytes=99999999999999999999-", RangeKind::kWhole, 0, 0},
      {"bytes= 0-1", RangeKind::kWhole, 0, 0},
      {"frames=0-1", RangeKind::kWhole, 0, 0},
      {"", RangeKind::kWhole, 0, 0},
  };
  for (const Case& one : cases) {
    ByteRange range;
    EXPECT_EQ(read_range(one.header, 10, range), one.kind) << one.header;
    if (one.kind != RangeKind::kPart) continue;
    EXPECT_EQ(range.first, one.first) << one.header;
    EXPECT_EQ(range.last, one.last) << one.header;
  }
}

}  // namespace
}  // namespace reel::server
