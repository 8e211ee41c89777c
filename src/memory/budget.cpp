// SPDX-License-Identifier: Apache-2.0
#include "memory/budget.h"

#include <algorithm>
#include <string_view>

#include "base/byte_units.h"
#include "memory/card_model.h"

namespace reel::memory {
namespace {

// Kept free on the card: 0.8 GiB, or 8 % where that is more.
constexpr uint64_t kLeastReserveBytes = kGiB * 8 / 10;
constexpr uint64_t kReservePercent = 8;
// Kept of what is free: other processes move.
constexpr uint64_t kFreeMarginBytes = 256 * kMiB;

constexpr uint64_t kContextBytes = kGiB * 45 / 100;
constexpr uint64_t kWorkspaceBytes = 64 * kMiB;

constexpr std::string_view kReferenceCard = "RTX 4070";

// What was measured on a card that predictions are not made for.
constexpr std::string_view kH200Name = "H200";
// The driver's count of a process less its arena: 533 MiB, measured with driver 580.
constexpr uint64_t kH200ContextBytes = 540 * kMiB;
// docs/BENCHMARKS.md; products in 16 bits by convolutions' rate, those in f32 assumed: half of 132
// multiprocessors' 256 operations in a clock of 1.7 GHz.
constexpr Rates kH200Rates{.int8_ops = 1240 * kTera,
                           .wide_ops = 537 * kTera,
                           .attention_ops = 863 * kTera,
                           .conv_ops = 537 * kTera,
                           .f32_ops = 29 * kTera,
                           .memory_bytes = 2986 * kGiga,
                           .upload_bytes = 55 * kGiga,
                           .cache_bytes = 13 * kGiga,
                           .disk_bytes = 5 * kGiga};

}  // namespace

uint64_t gpu_cap_bytes(const Budget& budget, const Machine& machine) {
  uint64_t cap = UINT64_MAX;
  if (budget.card_bytes > 0) {
    const uint64_t reserve =
        std::max(kLeastReserveBytes, budget.card_bytes / 100 * kReservePercent);
    cap = budget.card_bytes - std::min(budget.card_bytes, reserve);
  }
  if (machine.gpu_free_bytes > 0) {
    cap =
        std::min(cap, machine.gpu_free_bytes - std::min(machine.gpu_free_bytes, kFreeMarginBytes));
  }
  return cap == UINT64_MAX ? 0 : cap;
}

uint64_t card_bytes_for(uint64_t cap_bytes) {
  const uint64_t by_percent = cap_bytes / (100 - kReservePercent) * 100 + 100;
  return std::max(cap_bytes + kLeastReserveBytes, by_percent);
}

Machine assumed_machine(const std::string& gpu_name) {
  Machine machine;
  machine.workspace_bytes = kWorkspaceBytes;
  if (gpu_name.find(kH200Name) != std::string::npos) {
    machine.gpu = kH200Name;
    machine.context_bytes = kH200ContextBytes;
    machine.rates = kH200Rates;
    return machine;
  }
  const Card* const named = find_card(gpu_name);
  const Card& card = named != nullptr ? *named : *find_card(kReferenceCard);
  machine.gpu = card.name;
  machine.context_bytes = kContextBytes;
  machine.rates = predicted_rates(card);
  return machine;
}

}  // namespace reel::memory
