// SPDX-License-Identifier: Apache-2.0
// The bytes of one planned tensor, made piece by piece on all threads.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "pipeline/synth/plan.h"

namespace reel::synth {

// Made in the order of the tensors of a file: scales are those of the tensor before.
class TensorBytes {
 public:
  // How many pieces, the latest included, stay as they were given: their taker may lag behind.
  static constexpr size_t kHeldPieces = 2;

  // Calls `take` with the bytes of the tensor, some megabytes at a time.
  void make(const TensorPlan& tensor, const std::function<void(std::span<const std::byte>)>& take);

 private:
  void make_numbers(const TensorPlan& tensor,
                    const std::function<void(std::span<const std::byte>)>& take);
  float largest_of(const TensorPlan& tensor) const;

  std::vector<std::byte>& next_piece(int64_t size_bytes);

  std::vector<float> scales_;
  std::array<std::vector<std::byte>, kHeldPieces + 1> pieces_;
  size_t next_ = 0;
};

}  // namespace reel::synth
