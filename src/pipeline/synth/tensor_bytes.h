// SPDX-License-Identifier: Apache-2.0
// The bytes of one planned tensor, made piece by piece on all threads.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "pipeline/synth/plan.h"

namespace reel::synth {

// Made in the order of the tensors of a file: scales are those of the tensor before.
class TensorBytes {
 public:
  explicit TensorBytes(uint64_t seed) : seed_(seed) {}

  // Calls `take` with the bytes of the tensor, some megabytes at a time.
  void make(const TensorPlan& tensor, const std::function<void(std::span<const std::byte>)>& take);

 private:
  void make_numbers(const TensorPlan& tensor,
                    const std::function<void(std::span<const std::byte>)>& take);
  float largest_of(const TensorPlan& tensor) const;

  uint64_t seed_;
  std::vector<float> scales_;
  std::vector<std::byte> piece_;
};

}  // namespace reel::synth
