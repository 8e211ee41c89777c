// SPDX-License-Identifier: Apache-2.0
// Elements of tensors as f32, so that a kernel is a template over its element type.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/device/convert.cuh"
#include "core/numerics/small_floats.h"

namespace reel::cuda::device {

// T is float, Half or BF16.
template <typename T>
__device__ inline float load_as_float(const T& element);
template <typename T>
__device__ inline void store_from_float(T& element, float value);

template <>
__device__ inline float load_as_float<float>(const float& element) {
  return element;
}
template <>
__device__ inline float load_as_float<Half>(const Half& element) {
  return f16_to_f32(element.bits);
}
template <>
__device__ inline float load_as_float<BF16>(const BF16& element) {
  return bf16_to_f32(element.bits);
}

template <>
__device__ inline void store_from_float<float>(float& element, float value) {
  element = value;
}
template <>
__device__ inline void store_from_float<Half>(Half& element, float value) {
  element.bits = f32_to_f16(value);
}
template <>
__device__ inline void store_from_float<BF16>(BF16& element, float value) {
  element.bits = f32_to_bf16(value);
}

}  // namespace reel::cuda::device
