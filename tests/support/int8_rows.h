// SPDX-License-Identifier: Apache-2.0
// Rotated INT8 numbers with their scales beside those of the reference.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace reel::test {

// What a kernel rotates: the numbers themselves, summed in another order than the reference's, or
// numbers rounded to f16.
enum class Rotated { kAsStored, kFromF16 };

// A number near a half may fall on its other side: 1 in 1000 at most, and 1 in 80 from f16, which
// moves the largest by up to a sixteenth of a step of INT8.
inline void expect_int8_rows_like(std::span<const int8_t> got, std::span<const int8_t> want,
                                  std::span<const float> got_scales,
                                  std::span<const float> want_scales, Rotated rotated) {
  const bool rounded = rotated == Rotated::kFromF16;
  const float most = rounded ? 5e-4f : 1e-6f;
  ASSERT_EQ(got.size(), want.size());
  ASSERT_EQ(got_scales.size(), want_scales.size());
  for (size_t row = 0; row < want_scales.size(); ++row) {
    ASSERT_LE(std::abs(got_scales[row] - want_scales[row]), most * std::abs(want_scales[row]))
        << "scale " << row << ", " << want_scales[row];
  }
  int64_t others = 0;
  for (size_t at = 0; at < want.size(); ++at) {
    const int difference = std::abs(got[at] - want[at]);
    ASSERT_LE(difference, 1) << "at " << at;
    others += difference;
  }
  const auto count = static_cast<int64_t>(want.size());
  EXPECT_LE(others, 3 + count / (rounded ? 80 : 1000));
}

}  // namespace reel::test
