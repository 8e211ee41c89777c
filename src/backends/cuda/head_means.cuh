// SPDX-License-Identifier: Apache-2.0
// The means that heads of 8-bit attention go without: of every 16th row of keys, which are normed
// and rotated first, or values.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/head_norm.cuh"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {

inline ops::HeadNorm with_sums(ops::HeadNorm norm, int64_t heads) {
  if (norm.sums_per_row == 0) norm.sums_per_row = heads;
  return norm;
}

inline constexpr int kRmsThreads = 256;

// Means: a block has 32 columns of one head, four threads a row.
inline constexpr int kMeanColumns = 32;
inline constexpr int kMeanThreads = 512;
inline constexpr int kMeanWarps = kMeanThreads / device::kWarpSize;
inline constexpr int kMeanThreadsPerRow = kMeanColumns / kRun;
inline constexpr int kMeanRuns = 2;  // of a thread at a time

using MeanShared = float[kMeanWarps][kMeanColumns];

// 1 / rms of every 16th row. grid covers four threads for each, block = kRmsThreads.
inline __global__ void __launch_bounds__(kRmsThreads)
    sampled_rms_kernel(ops::HeadNorm norm, float* inverse, int64_t samples) {
  const int64_t thread = int64_t{blockIdx.x} * kRmsThreads + threadIdx.x;
  // All lanes stay for the shuffles.
  const int64_t sample = thread / 4 < samples ? thread / 4 : samples - 1;
  const float value = inverse_rms(norm, sample * ops::kInt8MeanStride);
  if (thread % 4 == 0 && thread / 4 < samples) inverse[sample] = value;
}

// mean = that of every 16th row: of rope(norm(x)) when kNormed, of x else; `inverse` has 1 / rms of
// each. Sums by thread, then over the 8 rows of a warp, then over warps. grid = (heads, 128 /
// kMeanColumns), block = kMeanThreads, shared = MeanShared.
template <typename T, bool kNormed>
__global__ void __launch_bounds__(kMeanThreads, 2)
    sampled_mean_kernel(const T* x, ops::HeadNorm norm, const float* inverse, float* mean,
                        int64_t rows, int64_t heads) {
  const device::Shared<MeanShared> shared;
  const int thread = static_cast<int>(threadIdx.x);
  const int column =
      static_cast<int>(blockIdx.y) * kMeanColumns + thread % kMeanThreadsPerRow * kRun;
  const int64_t head_column = int64_t{blockIdx.x} * kHeadDim + column;
  Floats weight;
  if (kNormed) load_whole_run(norm.weight + head_column, weight);

  const int64_t samples = (rows + ops::kInt8MeanStride - 1) / ops::kInt8MeanStride;
  constexpr int kSamplesAtOnce = kMeanThreads / kMeanThreadsPerRow;
  Floats sum = {};
  // All lanes stay for the shuffles.
  for (int64_t first = 0; first < samples; first += kMeanRuns * kSamplesAtOnce) {
    Floats y[kMeanRuns];
#pragma unroll
    for (int run = 0; run < kMeanRuns; ++run) {
      const int64_t sample = first + run * kSamplesAtOnce + thread / kMeanThreadsPerRow;
      const int64_t there = sample < samples ? sample : 0;
      const int64_t row = there * ops::kInt8MeanStride;
      load_whole_run(x + row * heads * kHeadDim + head_column, y[run]);
      if constexpr (kNormed) {
        Floats angles;
        load_angles(norm.rope, row, column, inverse[there], angles);
        normalise(y[run], weight, angles);
      }
    }
#pragma unroll
    for (int run = 0; run < kMeanRuns; ++run) {
      if (first + run * kSamplesAtOnce + thread / kMeanThreadsPerRow >= samples) continue;
#pragma unroll
      for (int i = 0; i < kRun; ++i) sum[i] += y[run][i];
    }
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
#pragma unroll
    for (int mask = kMeanThreadsPerRow; mask < device::kWarpSize; mask *= 2) {
      sum[i] += device::shuffle_xor(sum[i], mask);
    }
    if (device::lane() < kMeanThreadsPerRow) {
      (*shared)[device::warp_in_block()][device::lane() * kRun + i] = sum[i];
    }
  }
  device::sync_block();
  if (thread >= kMeanColumns) return;
  float total = 0;
  for (int warp = 0; warp < kMeanWarps; ++warp) total += (*shared)[warp][thread];
  mean[int64_t{blockIdx.x} * kHeadDim + static_cast<int>(blockIdx.y) * kMeanColumns + thread] =
      total / static_cast<float>(samples);
}

// args.scales gets 1 / rms of every 16th row: until the scales come, it has room for a number for
// each of 16 rows and heads.
inline void launch_sampled_rms(const ops::QuantiseKeysArgs& args, Stream stream) {
  const int64_t samples = (args.rows + ops::kInt8MeanStride - 1) / ops::kInt8MeanStride;
  launch("rms_of_keys", sampled_rms_kernel,
         {.grid = dim3(static_cast<unsigned>((4 * samples + kRmsThreads - 1) / kRmsThreads)),
          .block = kRmsThreads,
          .stream = static_cast<cudaStream_t>(stream.handle)},
         with_sums(args.norm, args.heads), args.scales, samples);
}

template <bool kNormed, typename Args>
void launch_mean(const char* name, const Args& args, const ops::HeadNorm& norm,
                 const float* inverse, Stream stream) {
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch(name, sampled_mean_kernel<T, kNormed>,
           {.grid = dim3(static_cast<unsigned>(args.heads), kHeadDim / kMeanColumns),
            .block = kMeanThreads,
            .shared_bytes = sizeof(MeanShared),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           static_cast<const T*>(args.x), norm, inverse, args.mean, args.rows, args.heads);
  });
}

}  // namespace reel::cuda
