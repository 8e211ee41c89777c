// SPDX-License-Identifier: Apache-2.0
#include "hub/part_map.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/byte_units.h"

namespace reel::hub {
namespace {

TEST(PartMap, PartsCoverTheFile) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, kMiB - 1, kMiB, kMiB + 1, 10 * kMiB + 7}) {
    PartMap map(size, kMiB);
    uint64_t covered = 0;
    for (size_t part = 0; part < map.parts(); ++part) {
      EXPECT_EQ(map.begin(part), covered);
      covered += map.length(part);
      map.add(part, map.length(part));
    }
    EXPECT_EQ(covered, size);
    EXPECT_TRUE(map.is_complete());
  }
}

TEST(PartMap, PartsAreNeitherTinyNorHuge) {
  EXPECT_EQ(PartMap::good_part_bytes(1000, 8), kMiB);
  EXPECT_EQ(PartMap::good_part_bytes(uint64_t{28'577} * 1'000'000, 8), 64 * kMiB);
  EXPECT_EQ(PartMap::good_part_bytes(uint64_t{352} << 20, 8), 11 * kMiB);
}

TEST(PartMap, APrefixFillsPartsInOrder) {
  PartMap map(3 * kMiB + 5, kMiB);
  map.set_prefix(2 * kMiB + 100);
  EXPECT_EQ(map.done(0), kMiB);
  EXPECT_EQ(map.done(1), kMiB);
  EXPECT_EQ(map.done(2), 100u);
  EXPECT_EQ(map.done(3), 0u);
  EXPECT_EQ(map.done_bytes(), 2 * kMiB + 100);
  map.clear(1);
  EXPECT_EQ(map.done_bytes(), kMiB + 100);
}

TEST(PartMap, IsReadBackAsItWasWritten) {
  PartMap map(5 * kMiB + 3, 2 * kMiB);
  map.add(0, 17);
  map.add(2, kMiB + 3);
  map.etag = "an etag";
  const auto read = PartMap::read(map.text(), map.size_bytes());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->etag, "an etag");
  EXPECT_EQ(read->done_bytes(), map.done_bytes());
  for (size_t part = 0; part < map.parts(); ++part) EXPECT_EQ(read->done(part), map.done(part));
}

TEST(PartMap, RefusesTextsThatDoNotFit) {
  const std::string good = PartMap(3 * kMiB, kMiB).text();
  EXPECT_TRUE(PartMap::read(good, 3 * kMiB).has_value());
  EXPECT_FALSE(PartMap::read(good, 3 * kMiB + 1).has_value());
  for (size_t cut = 0; cut + 1 < good.size(); ++cut) {
    EXPECT_FALSE(PartMap::read(good.substr(0, cut), 3 * kMiB).has_value()) << cut;
  }
  for (const char* text :
       {"reel-parts-1 3145728 1048576\n\n1048577 0 0 end\n",
        "reel-parts-1 3145728 1048576\n\n-1 0 0 end\n", "reel-parts-1 3145728 0\n\nend\n",
        "reel-parts-1 3145728 1\n\n0 end\n", "reel-parts-2 3145728 1048576\n\n0 0 0 end\n"}) {
    EXPECT_FALSE(PartMap::read(text, 3 * kMiB).has_value()) << text;
  }
}

}  // namespace
}  // namespace reel::hub
