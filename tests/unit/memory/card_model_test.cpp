// SPDX-License-Identifier: Apache-2.0
#include "memory/card_model.h"

#include <gtest/gtest.h>

namespace reel::memory {
namespace {

std::string_view found(std::string_view gpu) {
  const Card* const card = find_card(gpu);
  return card == nullptr ? "" : card->name;
}

TEST(FindCard, KnowsWhatTheDriverAndPeopleCallIt) {
  EXPECT_EQ(found("NVIDIA GeForce RTX 4070"), "RTX 4070");
  EXPECT_EQ(found("rtx4070"), "RTX 4070");
  EXPECT_EQ(found("4060 Ti"), "RTX 4060 Ti");
  EXPECT_EQ(found("NVIDIA GeForce RTX 4060 Ti"), "RTX 4060 Ti");
  EXPECT_EQ(found("NVIDIA GeForce RTX 4060"), "RTX 4060");
  EXPECT_EQ(found("NVIDIA GeForce RTX 4060 Laptop GPU"), "RTX 4060");
}

TEST(FindCard, DoesNotTakeOneCardForAnother) {
  EXPECT_EQ(found("NVIDIA GeForce RTX 4070 Ti SUPER"), "");
  EXPECT_EQ(found("NVIDIA GeForce RTX 5070 Ti"), "");
  EXPECT_EQ(found("NVIDIA GeForce RTX 4090 D"), "");
  EXPECT_EQ(found("NVIDIA H200"), "");
  EXPECT_EQ(found(""), "");
}

TEST(PredictedRates, StayBelowWhatTheCardCanDo) {
  for (const Card& card : known_cards()) {
    const Rates rates = predicted_rates(card);
    const double clocks = card.multiprocessors * card.boost_hz;
    EXPECT_LT(rates.int8_ops, clocks * card.int8_per_clock) << card.name;
    EXPECT_GT(rates.int8_ops, 0.5 * clocks * card.int8_per_clock) << card.name;
    EXPECT_LT(rates.conv_ops, clocks * card.f16_per_clock) << card.name;
    // Half of attention's work is INT8, half f16.
    const double bound = 2 * clocks / (1 / card.int8_per_clock + 1 / card.f16_per_clock);
    EXPECT_LT(rates.attention_ops, bound) << card.name;
    EXPECT_GT(rates.attention_ops, 0.5 * bound) << card.name;
    EXPECT_LT(rates.memory_bytes, card.memory_bytes_per_s) << card.name;
    EXPECT_LT(rates.f32_ops, rates.conv_ops) << card.name;
    EXPECT_GT(rates.f32_ops, 0) << card.name;
  }
}

TEST(PredictedRates, E4M3ValuesTakeASecondProductOfInt8sRate) {
  EXPECT_EQ(predicted_e4m3_attention(*find_card("RTX 3060")), 0);
  for (const char* const name : {"RTX 4060", "RTX 4070", "RTX 5090"}) {
    const Card& card = *find_card(name);
    const double int8 = card.multiprocessors * card.boost_hz * card.int8_per_clock;
    const double f16 = predicted_rates(card).attention_ops;
    const double e4m3 = predicted_e4m3_attention(card);
    EXPECT_LT(e4m3, int8) << name;
    EXPECT_GT(e4m3, 0.5 * int8) << name;
    // Half of the work saves 3/4 of f16's time, of which sums in f32 afterwards cost some.
    EXPECT_LT(1 / f16 - 1 / e4m3, 0.5 * (4 - 1) / int8) << name;
    EXPECT_GT(1 / f16 - 1 / e4m3, 0.4 * (4 - 1) / int8) << name;
  }
}

TEST(PredictedRates, GrowWithTheCard) {
  const Rates small = predicted_rates(*find_card("RTX 4060"));
  const Rates large = predicted_rates(*find_card("RTX 4090"));

  EXPECT_NEAR(large.int8_ops / small.int8_ops, 128 * 2.52 / (24 * 2.46), 1e-6);
  EXPECT_GT(large.attention_ops, small.attention_ops);
}

}  // namespace
}  // namespace reel::memory
