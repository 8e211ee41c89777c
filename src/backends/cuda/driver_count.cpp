// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/driver_count.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>

namespace reel::cuda {
namespace {

std::string bus_id(int index) {
  char text[32] = {};
  if (cudaDeviceGetPCIBusId(text, sizeof text, index) != cudaSuccess) cudaGetLastError();
  return text;
}

// A context stays as long as the process: what was used before it is asked for once.
std::optional<uint64_t> used_at_first(int index, const Nvml& nvml) {
  static std::mutex mutex;
  static std::map<int, std::optional<uint64_t>> used;
  const std::lock_guard lock(mutex);
  const auto [found, is_new] = used.try_emplace(index);
  if (const auto card = is_new ? nvml.card() : std::nullopt) found->second = card->used_bytes;
  return found->second;
}

std::optional<Nvml::Card> card_as_cuda_says(int index) {
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  if (cudaSetDevice(index) == cudaSuccess &&
      cudaMemGetInfo(&free_bytes, &total_bytes) == cudaSuccess) {
    return Nvml::Card{.free_bytes = free_bytes, .used_bytes = total_bytes - free_bytes};
  }
  cudaGetLastError();
  return std::nullopt;
}

std::optional<GpuUse> growth(const std::optional<Nvml::Card>& card,
                             const std::optional<uint64_t>& before, const char* counted) {
  if (!card || !before) return std::nullopt;
  return GpuUse{card->used_bytes - std::min(card->used_bytes, *before), counted};
}

}  // namespace

DriverCount::DriverCount(int index) : index_(index), nvml_(Nvml::open(bus_id(index))) {
  if (nvml_ != nullptr) used_before_ = used_at_first(index, *nvml_);
}

void DriverCount::begin() {
  if (nvml_ != nullptr) return;
  if (const auto card = card_as_cuda_says(index_)) used_before_ = card->used_bytes;
}

std::optional<GpuUse> DriverCount::use() const {
  if (nvml_ == nullptr) {
    return growth(card_as_cuda_says(index_), used_before_,
                  "growth of the card's use, without the driver's context");
  }
  if (const auto bytes = nvml_->process_bytes()) return GpuUse{*bytes, "this process"};
  return growth(nvml_->card(), used_before_, "growth of the card's use, by any program");
}

std::optional<uint64_t> DriverCount::free_bytes() const {
  const auto card = nvml_ != nullptr ? nvml_->card() : card_as_cuda_says(index_);
  return card ? std::optional(card->free_bytes) : std::nullopt;
}

}  // namespace reel::cuda
