// SPDX-License-Identifier: Apache-2.0
// Arithmetic of two f16 numbers in a word, on the CPU.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/convert.cuh"

namespace reel::cuda::device {

inline uint32_t subtract_f16x2(uint32_t a, uint32_t b) {
  float of_a[2];
  float of_b[2];
  unpack_f16x2(a, of_a[0], of_a[1]);
  unpack_f16x2(b, of_b[0], of_b[1]);
  return pack_f16x2(of_a[0] - of_b[0], of_a[1] - of_b[1]);
}

inline uint32_t fma_f16x2(uint32_t a, uint32_t b, uint32_t c) {
  float of_a[2];
  float of_b[2];
  float of_c[2];
  unpack_f16x2(a, of_a[0], of_a[1]);
  unpack_f16x2(b, of_b[0], of_b[1]);
  unpack_f16x2(c, of_c[0], of_c[1]);
  // Products are exact in f32, so that sums are rounded twice at most where they are near a tie.
  return pack_f16x2(fmaf(of_a[0], of_b[0], of_c[0]), fmaf(of_a[1], of_b[1], of_c[1]));
}

}  // namespace reel::cuda::device
