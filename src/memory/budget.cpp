// SPDX-License-Identifier: Apache-2.0
#include "memory/budget.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace reel::memory {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

// Kept free on the card: 0.8 GiB, or 8 % where that is more.
constexpr uint64_t kLeastReserveBytes = kGiB * 8 / 10;
constexpr uint64_t kReservePercent = 8;
// Kept of what is free: other processes move.
constexpr uint64_t kFreeMarginBytes = 256 * kMiB;

constexpr uint64_t kContextBytes = kGiB * 45 / 100;
constexpr uint64_t kWorkspaceBytes = 64 * kMiB;

constexpr double kTera = 1e12;
constexpr double kGiga = 1e9;

struct KnownGpu {
  std::string_view name;  // part of what the driver says
  uint64_t context_bytes;
  Rates rates;
};

// Rates are assumed, not measured: published peaks times the share that such kernels reach
// elsewhere. The first is the reference card. The host's rates are those of PCIe 4 x16 and a gen-4
// NVMe drive.
constexpr std::array kKnownGpus = {
    KnownGpu{.name = "RTX 4070",
             .context_bytes = kContextBytes,
             // 233 TOPS INT8, 58 TFLOP/s f16 with f32 sums, 504 GB/s. Attention: half of its work
             // at either rate, 65 % of that.
             .rates = {.int8_ops = 185 * kTera,
                       .wide_ops = 46 * kTera,
                       .attention_ops = 60 * kTera,
                       .conv_ops = 46 * kTera,
                       .memory_bytes = 428 * kGiga,
                       .upload_bytes = 25 * kGiga,
                       .cache_bytes = 10 * kGiga,
                       .disk_bytes = 5 * kGiga}},
    KnownGpu{.name = "H200",
             // The driver's count of a process less its arena: 533 MiB, measured with driver 580.
             .context_bytes = 540 * kMiB,
             // 1979 TOPS INT8, 989 TFLOP/s f16, 4.8 TB/s; through mma.sync about 60 % of these.
             .rates = {.int8_ops = 700 * kTera,
                       .wide_ops = 500 * kTera,
                       .attention_ops = 500 * kTera,
                       .conv_ops = 300 * kTera,
                       .memory_bytes = 4000 * kGiga,
                       .upload_bytes = 50 * kGiga,
                       .cache_bytes = 10 * kGiga,
                       .disk_bytes = 5 * kGiga}},
};

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
  const auto* known = std::find_if(kKnownGpus.begin(), kKnownGpus.end(), [&](const KnownGpu& gpu) {
    return gpu_name.find(gpu.name) != std::string::npos;
  });
  if (known == kKnownGpus.end()) known = kKnownGpus.begin();
  Machine machine;
  machine.gpu = known->name;
  machine.context_bytes = known->context_bytes;
  machine.workspace_bytes = kWorkspaceBytes;
  machine.rates = known->rates;
  return machine;
}

}  // namespace reel::memory
