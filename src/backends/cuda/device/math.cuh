// SPDX-License-Identifier: Apache-2.0
// Activation functions, to a few ulp of f32.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/approx.cuh"

namespace reel::cuda::device {

inline constexpr float kLog2E = 1.44269504f;

__device__ inline float silu(float x) { return divide_approx(x, 1 + exp2_approx(-kLog2E * x)); }

// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2 u)), u = sqrt(2/pi) (x + 0.044715 x^3): Hendrycks & Gimpel
// 2016, arXiv:1606.08415.
__device__ inline float gelu_tanh(float x) {
  constexpr float kTwoSqrt2OverPi = 1.5957691216f;
  const float two_u = kTwoSqrt2OverPi * (x + 0.044715f * x * x * x);
  return divide_approx(x, 1 + exp2_approx(-kLog2E * two_u));
}

}  // namespace reel::cuda::device
