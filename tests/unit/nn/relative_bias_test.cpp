// SPDX-License-Identifier: Apache-2.0
#include "nn/relative_bias.h"

#include <gtest/gtest.h>

#include "core/buffer.h"

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

TEST(RelativeBias, PutsKeyMinusQueryInOrder) {
  const Tensor table(DType::kF32, {32, 2});
  for (int64_t at = 0; at < 64; ++at) table.view().as<float>()[at] = static_cast<float>(at);
  const Tensor out(DType::kF32, {2, 5});
  fill_relative_bias(table, 3, out);
  // Head 1: buckets of -2, -1, 0, 1, 2 are 2, 1, 0, 17, 18; entries bucket * 2 + 1.
  const float want[] = {5, 3, 1, 35, 37};
  for (int64_t at = 0; at < 5; ++at) EXPECT_EQ(out.view().as<float>()[5 + at], want[at]);
}

}  // namespace
}  // namespace reel::nn
