// SPDX-License-Identifier: Apache-2.0
#include "core/numerics/small_floats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace reel::numerics {
namespace {

// Rounding to a small format must pick the nearest representable value; ties go to the even code.
template <typename Decode, typename Encode>
void expect_nearest(int codes, float largest, Decode decode, Encode encode) {
  for (int code = 0; code + 1 < codes; ++code) {
    const float low = decode(code);
    const float high = decode(code + 1);
    if (!(high <= largest)) break;
    const float middle = (low + high) / 2;

    EXPECT_EQ(encode(low), code);
    EXPECT_EQ(encode(-low) & (codes - 1), code);
    EXPECT_EQ(encode(middle), code % 2 == 0 ? code : code + 1) << low << ' ' << high;
    EXPECT_EQ(encode(std::nextafter(middle, low)), code);
    EXPECT_EQ(encode(std::nextafter(middle, high)), code + 1);
  }
}

TEST(SmallFloats, E4m3RoundsToNearestEven) {
  expect_nearest(
      128, 448, [](int code) { return f8_e4m3_to_float(static_cast<uint8_t>(code)); },
      [](float value) { return int{float_to_f8_e4m3(value)}; });
}

TEST(SmallFloats, E5m2RoundsToNearestEven) {
  expect_nearest(
      128, 57344, [](int code) { return f8_e5m2_to_float(static_cast<uint8_t>(code)); },
      [](float value) { return int{float_to_f8_e5m2(value)}; });
}

TEST(SmallFloats, F16RoundsToNearestEven) {
  expect_nearest(
      32768, 65504, [](int code) { return f16_to_float(static_cast<uint16_t>(code)); },
      [](float value) { return int{float_to_f16(value)}; });
}

TEST(SmallFloats, EightBitFormatsSaturate) {
  EXPECT_EQ(f8_e4m3_to_float(float_to_f8_e4m3(1e9f)), 448.0f);
  EXPECT_EQ(f8_e4m3_to_float(float_to_f8_e4m3(-470.0f)), -448.0f);
  EXPECT_EQ(f8_e5m2_to_float(float_to_f8_e5m2(1e9f)), 57344.0f);
}

TEST(SmallFloats, TheLargestMagnitudeKeepsANan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();

  EXPECT_EQ(larger_magnitude(0, -0.0f), 0.0f);
  EXPECT_EQ(larger_magnitude(1, -2), 2.0f);
  EXPECT_EQ(larger_magnitude(3, 2), 3.0f);
  EXPECT_EQ(larger_magnitude(3, -infinity), infinity);
  EXPECT_TRUE(std::isnan(larger_magnitude(infinity, -nan)));
  EXPECT_TRUE(std::isnan(larger_magnitude(nan, infinity)));
}

TEST(SmallFloats, NanStaysNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(nan))));
  EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(nan))));
  EXPECT_TRUE(std::isnan(f8_e4m3_to_float(float_to_f8_e4m3(nan))));
  EXPECT_TRUE(std::isnan(f8_e5m2_to_float(float_to_f8_e5m2(nan))));
}

TEST(SmallFloats, Bf16RoundsToNearestEven) {
  EXPECT_EQ(float_to_bf16(1.0f), 0x3f80);
  EXPECT_EQ(float_to_bf16(float_of(0x3f808000)), 0x3f80);  // tie, even below
  EXPECT_EQ(float_to_bf16(float_of(0x3f818000)), 0x3f82);  // tie, even above
  EXPECT_EQ(float_to_bf16(float_of(0x3f808001)), 0x3f81);
}

}  // namespace
}  // namespace reel::numerics
