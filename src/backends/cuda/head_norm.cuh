// SPDX-License-Identifier: Apache-2.0
// What projections become on their way to the heads of 8-bit attention: RMS norm over all heads,
// and RoPE.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/row_runs.cuh"
#include "ops/kernels.h"

namespace reel::cuda {

inline constexpr int kHeadDim = ops::kInt8HeadDim;

using Floats = float[kRun];

// cos and sin of the run's four pairs: 1 and 0 without a table.
__device__ inline void load_angles(const float* rope, int64_t row, int column, Floats& to) {
  if (rope != nullptr) return load_whole_run(rope + row * kHeadDim + column, to);
#pragma unroll
  for (int i = 0; i < kRun; ++i) to[i] = i % 2 == 0 ? 1.0f : 0.0f;
}
__device__ inline void multiply_angles(float factor, Floats& angles) {
#pragma unroll
  for (float& value : angles) value *= factor;
}

// y = rope(x * weight), in place, of cos and sin that 1 / rms is in already.
__device__ inline void normalise(Floats& x, const Floats& weight, const Floats& angles) {
#pragma unroll
  for (int i = 0; i < kRun; i += 2) {
    const float a = x[i] * weight[i];
    const float b = x[i + 1] * weight[i + 1];
    x[i] = a * angles[i] - b * angles[i + 1];
    x[i + 1] = a * angles[i + 1] + b * angles[i];
  }
}

// 1 / rms of a row from the sums of its heads, by four neighbouring lanes; each gets it.
__device__ inline float inverse_rms(const ops::HeadNorm& norm, int64_t row) {
  const int64_t heads = norm.sums_per_row;
  const float* const sums = norm.sum_squares + row * heads;
  const int64_t lane = device::lane() % 4;
  float sum = 0;
  if (heads % 4 == 0 && reinterpret_cast<uintptr_t>(norm.sum_squares) % 16 == 0) {
#pragma unroll 2
    for (int64_t head = lane * 4; head < heads; head += 16) {
      const float4 four = *reinterpret_cast<const float4*>(sums + head);
      sum += (four.x + four.y) + (four.z + four.w);
    }
  } else {
    for (int64_t head = lane; head < heads; head += 4) sum += sums[head];
  }
  sum += device::shuffle_xor(sum, 1);
  sum += device::shuffle_xor(sum, 2);
  return 1.0f / sqrtf(sum / static_cast<float>(heads * kHeadDim) + norm.eps);
}

}  // namespace reel::cuda
