// SPDX-License-Identifier: Apache-2.0
#include "memory/card_model.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/byte_units.h"

namespace reel::memory {
namespace {

// Sources: NVIDIA's whitepapers "Ampere GA102", "Ada" and "RTX Blackwell" (operations, clocks) and
// its product pages (memory). GeForce cards multiply f16 with f32 sums at a quarter of INT8's rate,
// and from 8.9 on e4m3 with f16 sums at INT8's.
constexpr std::array kCards = {
    Card{"RTX 3060", 28, 1.777e9, 2048, 512, 0, 360e9, 25e9, 12 * kGiB},
    Card{"RTX 4060", 24, 2.460e9, 2048, 512, 2048, 272e9, 13e9, 8 * kGiB},
    Card{"RTX 4060 Ti", 34, 2.535e9, 2048, 512, 2048, 288e9, 13e9, 8 * kGiB},
    Card{"RTX 4070", 46, 2.475e9, 2048, 512, 2048, 504e9, 25e9, 12 * kGiB},
    Card{"RTX 4090", 128, 2.520e9, 2048, 512, 2048, 1008e9, 25e9, 24 * kGiB},
    Card{"RTX 5070", 48, 2.512e9, 2048, 512, 2048, 672e9, 50e9, 12 * kGiB},
    Card{"RTX 5090", 170, 2.407e9, 2048, 512, 2048, 1792e9, 50e9, 32 * kGiB},
};

// A kernel's unit of work: what a block multiplies between two of its barriers.
struct Step {
  double int8_ops = 0, f16_ops = 0, e4m3_ops = 0;

  double all() const { return int8_ops + f16_ops + e4m3_ops; }
};
constexpr Step kProduct{.int8_ops = 2.0 * 256 * 128 * 64};
constexpr Step kAttention{.int8_ops = 2.0 * 128 * 64 * 128, .f16_ops = 2.0 * 128 * 64 * 128};
constexpr Step kE4M3Attention{.int8_ops = kAttention.int8_ops, .e4m3_ops = kAttention.f16_ops};
// Stands in for it where mma.sync has no fast e4m3: f16 products of half the depth.
constexpr Step kE4M3Twin{.int8_ops = kAttention.int8_ops, .f16_ops = kAttention.f16_ops / 2};
constexpr Step kConvolution{.f16_ops = 2.0 * 256 * 96 * 32};

// What was measured on an H200 through mma.sync (products.md, attention.md and conv.md in
// docs/kernels; the least of several runs). Its clock stood at 1980 MHz under the rates and under
// attention (600 to 640 W); under the others it was not read, and is taken to be that, which makes
// their overhead the largest it can be.
struct Measured {
  int multiprocessors;
  double clock_hz;
  double int8_ops, f16_ops;                // of mma.sync alone
  double product, attention, convolution;  // of the kernels; products over a block at 8192 rows
  double e4m3_twin;                        // counted as if its products had their whole depth
};
constexpr Measured kMeasuredH200{.multiprocessors = 132,
                                 .clock_hz = 1.98e9,
                                 .int8_ops = 1244 * kTera,
                                 .f16_ops = 622 * kTera,
                                 .product = 840 * kTera,
                                 .attention = 523 * kTera,
                                 .convolution = 400 * kTera,
                                 .e4m3_twin = 567 * kTera};

// Clocks of a step that are not products, on the H200.
double overhead_clocks(const Step& step, double counted_ops, double measured_ops) {
  const double products =
      step.int8_ops / kMeasuredH200.int8_ops + step.f16_ops / kMeasuredH200.f16_ops;
  return (counted_ops / measured_ops - products) * kMeasuredH200.multiprocessors *
         kMeasuredH200.clock_hz;
}

double predicted_ops(const Step& step, double other_clocks, const Card& card) {
  double clocks =
      other_clocks + step.int8_ops / card.int8_per_clock + step.f16_ops / card.f16_per_clock;
  if (step.e4m3_ops > 0) clocks += step.e4m3_ops / card.e4m3_per_clock;
  return step.all() / clocks * card.multiprocessors * card.boost_hz;
}

// Letters and digits alone, in lower case.
std::string plain(std::string_view text) {
  std::string kept;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      kept += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return kept;
}

}  // namespace

std::span<const Card> known_cards() { return kCards; }

const Card* find_card(std::string_view gpu_name) {
  const std::string wanted = plain(gpu_name);
  const Card* best = nullptr;
  size_t best_size = 0;
  for (const Card& card : kCards) {
    const std::string name = plain(card.name);
    const std::string number = name.substr(3);  // without "rtx"
    // Behind the number comes nothing, or a word that is no name of another card: "Laptop GPU".
    const size_t found = wanted.find(number);
    if (found == std::string::npos || number.size() <= best_size) continue;
    const std::string rest = wanted.substr(found + number.size());
    if (rest.starts_with("ti") || rest.starts_with("super") || rest.starts_with("d")) continue;
    best = &card;
    best_size = number.size();
  }
  return best;
}

Rates predicted_rates(const Card& card) {
  // Copies reach this share of a GeForce card's published rate.
  constexpr double kCopyShare = 0.85;
  // 128 multiplications and additions of a multiprocessor in a clock, in all of these generations;
  // that the kernel which adds LoRAs reaches half of them is assumed.
  constexpr double kF32PerClock = 256;
  constexpr double kF32Share = 0.5;
  const auto rate = [&](const Step& step, double measured_ops) {
    return predicted_ops(step, overhead_clocks(step, step.all(), measured_ops), card);
  };
  return {.int8_ops = rate(kProduct, kMeasuredH200.product),
          // f16 products through the same mma.sync loop as convolutions.
          .wide_ops = rate(kConvolution, kMeasuredH200.convolution),
          .attention_ops = rate(kAttention, kMeasuredH200.attention),
          .conv_ops = rate(kConvolution, kMeasuredH200.convolution),
          .f32_ops = kF32Share * kF32PerClock * card.multiprocessors * card.boost_hz,
          .memory_bytes = kCopyShare * card.memory_bytes_per_s,
          .upload_bytes = card.link_bytes_per_s,
          .cache_bytes = 10 * kGiga,
          .disk_bytes = 5 * kGiga};
}

double predicted_e4m3_attention(const Card& card) {
  if (card.e4m3_per_clock == 0) return 0;
  const double other_clocks = overhead_clocks(kE4M3Twin, kAttention.all(), kMeasuredH200.e4m3_twin);
  return predicted_ops(kE4M3Attention, other_clocks, card);
}

}  // namespace reel::memory
