// SPDX-License-Identifier: Apache-2.0
// Reading and writing one element of an f32, f16 or bf16 array.
#pragma once

#include <cmath>

#include "core/dtype.h"
#include "core/numerics/small_floats.h"

namespace reel::cpu {

inline float load(const void* data, DType dtype, int64_t at) {
  switch (dtype) {
    case DType::kBF16: return static_cast<float>(static_cast<const BF16*>(data)[at]);
    case DType::kF16: return numerics::f16_to_float(static_cast<const uint16_t*>(data)[at]);
    default: return static_cast<const float*>(data)[at];
  }
}

inline void store(void* data, DType dtype, int64_t at, double value) {
  const auto rounded = static_cast<float>(value);
  switch (dtype) {
    case DType::kBF16: static_cast<BF16*>(data)[at] = BF16(rounded); return;
    case DType::kF16: static_cast<uint16_t*>(data)[at] = numerics::float_to_f16(rounded); return;
    default: static_cast<float*>(data)[at] = rounded; return;
  }
}

inline double silu(double x) { return x / (1 + std::exp(-x)); }

// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): Hendrycks & Gimpel 2016, arXiv:1606.08415.
inline double gelu_tanh(double x) {
  constexpr double kSqrt2OverPi = 0.7978845608028654;
  return 0.5 * x * (1 + std::tanh(kSqrt2OverPi * (x + 0.044715 * x * x * x)));
}

}  // namespace reel::cpu
