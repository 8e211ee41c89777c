// SPDX-License-Identifier: Apache-2.0
// The special-function unit: fast, not correctly rounded. Errors are those of the PTX ISA.
#pragma once

#include <cuda_runtime.h>

namespace reel::cuda::device {

// 2^x with a relative error of 2^-22. Subnormal results become 0.
__device__ inline float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// log2(x) with an absolute error of 2^-22 for x in (0.5, 2), a relative one elsewhere.
__device__ inline float log2_approx(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// With a relative error of 2^-11: half of bf16's step, too coarse for f32 results.
__device__ inline float tanh_approx(float x) {
  float y;
  asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// 1 / sqrt(x), within 2 ulp.
__device__ inline float rsqrt(float x) { return rsqrtf(x); }

// 1 / x, within 1 ulp; 0 for infinity.
__device__ inline float reciprocal_approx(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Nearest integer, ties to even; saturates, NaN becomes 0.
__device__ inline int round_to_int(float x) { return __float2int_rn(x); }

}  // namespace reel::cuda::device
