// SPDX-License-Identifier: Apache-2.0
#include "nn/relative_bias.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace reel::nn {
namespace {

constexpr int64_t kBuckets = 32;
constexpr int64_t kExactBuckets = 8;  // distances below have a bucket each
constexpr double kLongestDistance = 128;

}  // namespace

int64_t relative_bucket(int64_t relative) {
  constexpr int64_t kSide = kBuckets / 2;
  const int64_t base = relative > 0 ? kSide : 0;
  const int64_t distance = std::abs(relative);
  if (distance < kExactBuckets) return base + distance;
  const double steps = std::log(static_cast<double>(distance) / kExactBuckets) /
                       std::log(kLongestDistance / kExactBuckets) * (kSide - kExactBuckets);
  return base + std::min(kSide - 1, kExactBuckets + static_cast<int64_t>(steps));
}

void fill_relative_bias(const TensorView& table, int64_t tokens, const TensorView& out) {
  const int64_t heads = table.width();
  REEL_REQUIRE(table.shape[0] == kBuckets && out.shape == (Shape{heads, 2 * tokens - 1}), kInternal,
               str_cat("relative bias: table ", table.shape, ", out ", out.shape));
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t at = 0; at < 2 * tokens - 1; ++at) {
      out.as<float>()[head * (2 * tokens - 1) + at] =
          table.as<float>()[relative_bucket(at - (tokens - 1)) * heads + head];
    }
  }
}

}  // namespace reel::nn
