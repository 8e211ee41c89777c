// SPDX-License-Identifier: Apache-2.0
// Rounding to one side on the CPU: of doubles, which hold products of floats exactly and sums to
// 53 bits.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <limits>

namespace reel::cuda::device {

inline float rounded_up(double x) {
  const auto nearest = static_cast<float>(x);
  return nearest < x ? std::nextafter(nearest, std::numeric_limits<float>::infinity()) : nearest;
}
inline float rounded_down(double x) { return -rounded_up(-x); }

inline float multiply_up(float a, float b) { return rounded_up(double{a} * b); }
inline float subtract_down(float a, float b) { return rounded_down(double{a} - b); }
inline float fma_down(float a, float b, float c) { return rounded_down(std::fma(double{a}, b, c)); }

}  // namespace reel::cuda::device
