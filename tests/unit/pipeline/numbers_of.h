// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "pipeline/text_to_video.h"

namespace reel::test {

inline std::vector<float> numbers_of(const Tensor& tensor) {
  const auto values = tensor.values<float>();
  return {values.begin(), values.end()};
}

inline std::vector<float> numbers_of(const pipeline::DenoiseState& state) {
  return numbers_of(state.latents);
}

}  // namespace reel::test
