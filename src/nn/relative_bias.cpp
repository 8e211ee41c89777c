// SPDX-License-Identifier: Apache-2.0
#include "nn/relative_bias.h"

#include <algorithm>
#include <cmath>

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

Tensor relative_buckets(int64_t tokens) {
  Tensor buckets(DType::kI32, {2 * tokens - 1}, "the relative positions");
  int64_t relative = 1 - tokens;
  for (int32_t& bucket : buckets.values<int32_t>()) {
    bucket = static_cast<int32_t>(relative_bucket(relative++));
  }
  return buckets;
}

}  // namespace reel::nn
