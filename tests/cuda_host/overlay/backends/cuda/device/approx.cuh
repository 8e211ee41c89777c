// SPDX-License-Identifier: Apache-2.0
// The special-function unit on the CPU: exact where the hardware is not.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <limits>

namespace reel::cuda::device {

inline float exp2_approx(float x) {
  const float y = std::exp2(x);
  return y < std::numeric_limits<float>::min() ? 0 : y;
}
inline float log2_approx(float x) {
  return std::log2(std::abs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x);
}
inline float tanh_approx(float x) { return std::tanh(x); }
inline float rsqrt(float x) { return rsqrtf(x); }
inline float reciprocal_approx(float x) {
  const float y = 1 / x;
  return std::abs(y) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : y;
}
inline int round_to_int(float x) {
  if (std::isnan(x)) return 0;
  if (x >= 0x1p31f) return std::numeric_limits<int>::max();
  if (x < -0x1p31f) return std::numeric_limits<int>::min();
  return static_cast<int>(std::nearbyint(x));
}

}  // namespace reel::cuda::device
