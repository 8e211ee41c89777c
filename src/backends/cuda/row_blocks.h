// SPDX-License-Identifier: Apache-2.0
// How many threads share a row, and how much of it each holds in registers.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/error.h"

namespace reel::cuda {

inline constexpr int64_t kMostRowWidth = int64_t{1024} * 3 * 8;

// Calls visit(threads, runs), two integral constants: a block of `threads` holds a row of `width`
// in registers as `runs` runs of eight a thread.
template <typename Visitor>
void with_row_block(int64_t width, Visitor&& visit) {
  const auto holds = [width](int threads, int runs) {
    return width <= int64_t{threads} * runs * 8;
  };
  if (holds(128, 1)) {
    visit(std::integral_constant<int, 128>{}, std::integral_constant<int, 1>{});
  } else if (holds(256, 3)) {
    visit(std::integral_constant<int, 256>{}, std::integral_constant<int, 3>{});
  } else if (holds(256, 7)) {
    visit(std::integral_constant<int, 256>{}, std::integral_constant<int, 7>{});
  } else if (holds(1024, 3)) {
    visit(std::integral_constant<int, 1024>{}, std::integral_constant<int, 3>{});
  } else {
    fail(ErrorCode::kUnsupported, str_cat("the cuda backend works on rows of up to ", kMostRowWidth,
                                          " numbers, not ", width, "."));
  }
}

}  // namespace reel::cuda
