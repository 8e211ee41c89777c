// SPDX-License-Identifier: Apache-2.0
#include "nn/relative_bias.h"

#include <gtest/gtest.h>

#include <vector>

namespace reel::nn {
namespace {

TEST(RelativeBucket, HasTheReferencesBoundaries) {
  struct Range {
    int64_t bucket, first, last;
  };
  for (const Range range : {Range{0, 0, 0},
                            {7, 7, 7},
                            {8, 8, 11},
                            {9, 12, 15},
                            {10, 16, 22},
                            {11, 23, 31},
                            {12, 32, 45},
                            {13, 46, 63},
                            {14, 64, 90},
                            {15, 91, 511}}) {
    EXPECT_EQ(relative_bucket(-range.first), range.bucket);
    EXPECT_EQ(relative_bucket(-range.last), range.bucket);
    if (range.first > 0) {
      EXPECT_EQ(relative_bucket(range.first), 16 + range.bucket);
      EXPECT_EQ(relative_bucket(range.last), 16 + range.bucket);
    }
  }
}

TEST(RelativeBuckets, PutKeyMinusQueryInOrder) {
  const Tensor buckets = relative_buckets(3);

  // -2, -1, 0, 1, 2
  const auto values = buckets.values<int32_t>();
  EXPECT_EQ(std::vector<int32_t>(values.begin(), values.end()),
            (std::vector<int32_t>{2, 1, 0, 17, 18}));
}

}  // namespace
}  // namespace reel::nn
