// SPDX-License-Identifier: Apache-2.0
#include "schedulers/guidance.h"

#include "base/error.h"
#include "base/parallel.h"

namespace reel::schedulers {

void apply_guidance(std::span<const float> conditional, std::span<const float> unconditional,
                    float guidance, std::span<float> out) {
  REEL_REQUIRE(
      conditional.size() == unconditional.size() && conditional.size() == out.size(),
      kInvalidArgument,
      str_cat("guidance: the two answers have ", conditional.size(), " and ", unconditional.size(),
              " elements and the result ", out.size(), ", all must have the same."));
  parallel_for(static_cast<int64_t>(out.size()), 1 << 16, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      const float base = unconditional[index];
      out[index] = base + guidance * (conditional[index] - base);
    }
  });
}

}  // namespace reel::schedulers
