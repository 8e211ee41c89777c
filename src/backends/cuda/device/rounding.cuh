// SPDX-License-Identifier: Apache-2.0
// f32 arithmetic rounded to one side instead of to the nearest.
#pragma once

#include <cuda_runtime.h>

namespace reel::cuda::device {

// At least a * b.
__device__ inline float multiply_up(float a, float b) { return __fmul_ru(a, b); }

// At most a - b.
__device__ inline float subtract_down(float a, float b) { return __fsub_rd(a, b); }

// At most a * b + c.
__device__ inline float fma_down(float a, float b, float c) { return __fmaf_rd(a, b, c); }

}  // namespace reel::cuda::device
