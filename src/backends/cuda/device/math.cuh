// SPDX-License-Identifier: Apache-2.0
// Activation functions, to a few ulp of f32.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/approx.cuh"

namespace reel::cuda::device {

inline constexpr float kLog2E = 1.44269504f;

__device__ inline float silu(float x) {
  return x * reciprocal_approx(1 + exp2_approx(-kLog2E * x));
}

// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2 u)), u = sqrt(2/pi) (x + 0.044715 x^3): Hendrycks & Gimpel
// 2016, arXiv:1606.08415.
__device__ inline float gelu_tanh(float x) {
  constexpr float kMinusTwoSqrt2OverPi = -1.5957691216f * kLog2E;  // exponents are in base 2
  const float exponent = x * fmaf(x * x, kMinusTwoSqrt2OverPi * 0.044715f, kMinusTwoSqrt2OverPi);
  return x * reciprocal_approx(1 + exp2_approx(exponent));
}

}  // namespace reel::cuda::device
