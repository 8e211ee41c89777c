// SPDX-License-Identifier: Apache-2.0
// How fast cards should be that nobody has measured yet: what the kernels cost besides their
// products, measured on one card in clocks, on top of the products' clocks of another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "memory/work.h"

namespace reel::memory {

// What NVIDIA publishes of a card.
struct Card {
  std::string_view name;  // as part of what the driver says: "RTX 4070"
  int multiprocessors = 0;
  double boost_hz = 0;
  // Dense operations of one multiprocessor in a clock, a multiplication and an addition being two.
  double int8_per_clock = 0;
  double f16_per_clock = 0;   // with f32 sums, as everything in 16 bits has here
  double e4m3_per_clock = 0;  // with f16 sums; 0 where its tensor cores have no e4m3
  double memory_bytes_per_s = 0;
  double link_bytes_per_s = 0;  // of its PCI Express, as copies reach it
  uint64_t memory_bytes = 0;
};

// The cards that predictions are made for.
std::span<const Card> known_cards();
// The one whose name is in `gpu_name`, the longest such name: "NVIDIA GeForce RTX 4060 Ti" is not a
// 4060. Also from "rtx4060ti" and "4060 Ti". Null for another card.
const Card* find_card(std::string_view gpu_name);

// What the kernels of mma.sync should sustain there at the card's boost clock, and its host with a
// gen-4 NVMe drive. A prediction.
Rates predicted_rates(const Card& card);
// Rates::attention_ops of 8-bit attention with e4m3 values; 0 where the card has none. A
// prediction: what such a kernel does beside its products was measured on a twin that multiplies
// f16 values of half the depth.
double predicted_e4m3_attention(const Card& card);

}  // namespace reel::memory
