// SPDX-License-Identifier: Apache-2.0
#include "pipeline/synth/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/numerics/philox.h"
#include "core/numerics/small_floats.h"
#include "pipeline/synth/rounding.h"

namespace reel::synth {
namespace {

constexpr ValueRule kRule{.stream = 0x0123456789abcdefu, .amplitude = 0.75f, .offset = 0.5f};

std::vector<float> values(uint64_t seed, int64_t first, size_t count) {
  std::vector<float> out(count);
  fill_values(seed, kRule, first, out);
  return out;
}

float by_definition(uint64_t seed, int64_t position) {
  const numerics::PhiloxWords words =
      numerics::philox4x32_10(seed, kRule.stream, static_cast<uint64_t>(position / 4));
  const uint32_t word[] = {words.x, words.y, words.z, words.w};
  const float u =
      static_cast<float>(static_cast<int32_t>(word[position % 4] >> 8) - (1 << 23)) * 0x1p-23f;
  const float product = u * kRule.amplitude;
  return kRule.offset + product;
}

TEST(SynthValues, AreThePhiloxWordsOfTheirPosition) {
  const uint64_t seed = 0xfedcba9876543210u;
  // The last start lies four below the position whose counter needs 33 bits.
  for (const int64_t first : {int64_t{0}, int64_t{1}, int64_t{63}, (int64_t{1} << 34) - 4}) {
    const std::vector<float> got = values(seed, first, 301);

    for (size_t at = 0; at < got.size(); ++at) {
      ASSERT_EQ(got[at], by_definition(seed, first + static_cast<int64_t>(at))) << first + at;
    }
  }
}

TEST(SynthValues, AreTheSameHoweverTheyAreAskedFor) {
  const std::vector<float> whole = values(3, 0, 1000);

  std::vector<float> pieces;
  for (size_t count = 1; pieces.size() < 1000; count = count * 3 % 101 + 1) {
    const size_t wanted = std::min(count, 1000 - pieces.size());
    const auto piece = values(3, static_cast<int64_t>(pieces.size()), wanted);
    pieces.insert(pieces.end(), piece.begin(), piece.end());
  }

  EXPECT_EQ(pieces, whole);
}

TEST(SynthValues, DifferBySeedAndName) {
  EXPECT_NE(values(1, 0, 8), values(2, 0, 8));
  EXPECT_NE(stream_of("dit/blocks.0.ffn.0.weight"), stream_of("dit/blocks.0.ffn.2.weight"));
  EXPECT_EQ(stream_of("a"), 0xaf63dc4c8601ec8cu);  // from the definition of FNV-1a
}

TEST(SynthRounding, RoundsToF8AsTheSharedArithmetic) {
  std::vector<float> row;
  for (uint32_t bits = 0; bits < 0x44000000u; bits += 0x1233u) {
    row.push_back(numerics::float_of(bits));
    row.push_back(-numerics::float_of(bits + 1));
  }
  std::vector<std::byte> got(row.size());

  quantise_row(row, 1.0f, DType::kF8E4M3, got.data());

  for (size_t at = 0; at < row.size(); ++at) {
    ASSERT_EQ(static_cast<uint8_t>(got[at]), numerics::float_to_f8_e4m3(row[at])) << row[at];
  }
}

TEST(SynthRounding, RoundsHalvesToEvenI8AndSaturates) {
  const std::vector<float> row = {0.5f, 1.5f, -0.5f, -2.5f, 126.6f, 400.0f, -400.0f};
  std::vector<int8_t> got(row.size());

  quantise_row(row, 1.0f, DType::kI8, reinterpret_cast<std::byte*>(got.data()));

  EXPECT_THAT(got, testing::ElementsAre(0, 2, 0, -2, 127, 127, -128));
}

TEST(SynthRounding, RoundsToBf16AsTheSharedArithmetic) {
  const std::vector<float> row = values(5, 0, 4099);
  std::vector<uint16_t> got(row.size());

  round_row(row, DType::kBF16, reinterpret_cast<std::byte*>(got.data()));

  for (size_t at = 0; at < row.size(); ++at) {
    ASSERT_EQ(got[at], numerics::float_to_bf16(row[at])) << row[at];
  }
}

}  // namespace
}  // namespace reel::synth
