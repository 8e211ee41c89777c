// SPDX-License-Identifier: Apache-2.0
// How much of a GPU's memory this process has in use, by the best count there is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "backends/cuda/gpu.h"
#include "backends/cuda/nvml.h"

namespace reel::cuda {

// The driver's count for this process; where it gives none, by how much the use of the card has
// grown; without NVML, the same as CUDA tells it, which begins behind the context. May be asked
// from several threads.
class DriverCount {
 public:
  // To be made before this process has a context on the GPU, where it is the first.
  explicit DriverCount(int index);
  // The context is there from here on.
  void begin();

  std::optional<GpuUse> use() const;
  // Of the whole card.
  std::optional<uint64_t> free_bytes() const;

 private:
  int index_;
  std::unique_ptr<Nvml> nvml_;
  std::optional<uint64_t> used_before_;
};

}  // namespace reel::cuda
