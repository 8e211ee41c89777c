// SPDX-License-Identifier: Apache-2.0
// Strips of the decoder: their rows, and that they change no byte.
#include <gtest/gtest.h>

#include <algorithm>

#include "backends/cpu/backend.h"
#include "models/wan_vae/strips.h"
#include "support/expect_error.h"
#include "unit/models/decoded_strips.h"

namespace reel::test {
namespace {

using wan_vae::LevelRows;
using wan_vae::make_strip;
using wan_vae::Rows;
using wan_vae::Strip;

// Which rows of a frame hold what they hold in a whole frame's computation.
using Right = std::vector<bool>;

// A row of a 3 x 3 convolution is right where its neighbours in the frame are.
Right convolved(const Right& x) {
  Right y(x.size());
  for (size_t row = 0; row < x.size(); ++row) {
    y[row] = x[row] && (row == 0 || x[row - 1]) && (row + 1 == x.size() || x[row + 1]);
  }
  return y;
}

Right doubled(const Right& x) {
  Right y;
  for (const bool is_right : x) y.insert(y.end(), 2, is_right);
  return y;
}

void keep_only(Right& x, const Rows& rows) {
  for (size_t row = 0; row < x.size(); ++row) {
    const auto at = static_cast<int64_t>(row);
    x[row] = x[row] && rows.begin <= at && at < rows.end;
  }
}

Rows range_of(const Right& x) {
  const auto first = std::find(x.begin(), x.end(), true);
  const auto last = std::find(first, x.end(), false);
  EXPECT_EQ(std::find(last, x.end(), true), x.end());
  return {first - x.begin(), last - x.begin()};
}

// Forward through the layers, with nothing but what the strip holds.
TEST(Strips, HoldAllThatThePictureNeedsAndNoMore) {
  for (const int64_t latent_rows : {4, 7, 23, 60}) {
    for (int strips = 1; strips <= std::min<int>(9, static_cast<int>(latent_rows)); ++strips) {
      int64_t next = 0;
      for (int index = 0; index < strips; ++index) {
        SCOPED_TRACE(testing::Message() << latent_rows << " rows, " << index << " of " << strips);
        const Strip strip = make_strip(latent_rows, strips, index);
        EXPECT_EQ(strip.picture.begin, next);
        next = strip.picture.end;

        Right right(static_cast<size_t>(latent_rows), true);
        keep_only(right, strip.levels[0].held);
        for (int level = 1; level < wan_vae::kLevels; ++level) {
          const LevelRows& rows = strip.levels[static_cast<size_t>(level)];
          right = convolved(doubled(right));
          keep_only(right, rows.held);
          EXPECT_EQ(range_of(right), rows.held);
          for (int left = 5; left >= 0; --left) {
            right = convolved(right);
            keep_only(right, {rows.held.begin + rows.needed_by(left).begin,
                              rows.held.begin + rows.needed_by(left).end});
          }
          EXPECT_EQ(range_of(right), rows.wanted);
        }
        keep_only(right = convolved(right), strip.picture);
        EXPECT_EQ(range_of(right), strip.picture);
      }
      EXPECT_EQ(next, 8 * latent_rows);
    }
  }
}

TEST(Strips, GrowInPartsThatMeet) {
  for (const int64_t x_rows : {1, 2, 9}) {
    for (const Rows& held : {Rows{0, 2 * x_rows}, Rows{1, 2 * x_rows - 1}, Rows{0, 1}}) {
      int64_t next = held.begin;
      for (int index = 0; index < wan_vae::kGrowParts; ++index) {
        const wan_vae::GrowPart part = wan_vae::make_grow_part(held, x_rows, index);
        EXPECT_EQ(part.to.begin, next);
        next = part.to.end;
        EXPECT_LE(2 * part.from.begin, std::max<int64_t>(0, part.to.begin - 1));
        EXPECT_GE(2 * part.from.end, std::min(2 * x_rows, part.to.end + 1));
        EXPECT_TRUE(0 <= part.from.begin && part.from.end <= x_rows);
      }
      EXPECT_EQ(next, held.end);
    }
  }
}

class DecoderStrips : public testing::TestWithParam<DType> {};

// 1, 5 and 9 frames; rows that no count divides.
TEST_P(DecoderStrips, GiveTheSameBytes) {
  const RandomDecoder decoder(cpu::reference_kernels(), GetParam());
  for (const Shape& latent : {Shape{16, 1, 21, 1}, Shape{16, 2, 20, 1}, Shape{16, 3, 9, 2}}) {
    decoder.expect_strips_like_whole(latent, {2, 3, 5});
  }
}

INSTANTIATE_TEST_SUITE_P(Operands, DecoderStrips, testing::Values(DType::kF32, DType::kF16),
                         [](const auto& test) { return dtype_name(test.param); });

TEST(DecoderStripCounts, AreRefusedWhereTheRowsAreTooFew) {
  const RandomDecoder decoder(cpu::reference_kernels(), DType::kF32);
  for (const int strips : {0, 3}) {
    EXPECT_REEL_ERROR(
        decoder.decode({16, 1, 11, 2}, strips), kInvalidArgument,
        "11 rows of latents into " + std::to_string(strips) + " strips; 2 are possible");
  }
}

}  // namespace
}  // namespace reel::test
