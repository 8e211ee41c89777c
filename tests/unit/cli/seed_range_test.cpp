// SPDX-License-Identifier: Apache-2.0
#include "cli/seed_range.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::cli {
namespace {

TEST(SeedRange, OneSeedIsOneClip) {
  const SeedRange range = parse_seed_range("18446744073709551615");

  EXPECT_EQ(range.first, UINT64_MAX);
  EXPECT_EQ(range.count, 1);
}

TEST(SeedRange, BothEndsBelongToIt) {
  const SeedRange range = parse_seed_range("5..12");

  EXPECT_EQ(range.first, 5u);
  EXPECT_EQ(range.count, 8);
  EXPECT_EQ(parse_seed_range("3..3").count, 1);
  EXPECT_EQ(parse_seed_range("1..10000").count, kMostClips);
}

TEST(SeedRange, WhatIsNoneIsRefused) {
  for (const char* text : {"", "..", "-1", "one", "1..", "..8", "8..1", "1..8..9", "1...8", "1.5",
                           "0..10000", "18446744073709551616"}) {
    SCOPED_TRACE(text);
    EXPECT_REEL_ERROR(parse_seed_range(text), kInvalidArgument, "--seed is");
  }
}

}  // namespace
}  // namespace reel::cli
