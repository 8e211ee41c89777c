// SPDX-License-Identifier: Apache-2.0
// The means that heads of 8-bit attention go without: of every 16th row of keys, which are normed
// and rotated first, or values. Bound by memory's latency: such a row is read once, 16 bytes at a
// time, and its sums once more. x starts at a multiple of 16 bytes.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/column_parts.cuh"
#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/head_norm.cuh"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {

inline ops::HeadNorm with_sums(ops::HeadNorm norm, int64_t heads) {
  if (norm.sums_per_row == 0) norm.sums_per_row = heads;
  return norm;
}

inline constexpr int kMeanSamples = 80;  // of a block: 260 of them for 32,760 rows of 40 heads
static_assert(kMeanSamples % kPartRowsAtOnce == 0);

struct MeanShared {
  alignas(16) PartShared sums;
  float inverse_rms[kMeanSamples];
};

// sums[part] = the sum over a part of every 16th row: of rope(norm(x)) when kNormed, of x else,
// times `factor`. Sums by thread, then over the block's rows. grid = (columns / kPartColumns,
// parts), block = kPartThreads, shared = MeanShared.
template <typename T, bool kNormed>
__global__ void __launch_bounds__(kPartThreads, kPartBlocks)
    sampled_sums_kernel(const T* x, ops::HeadNorm norm, float* sums, float factor, int64_t samples,
                        int64_t columns) {
  const device::Shared<MeanShared> shared;
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t first = int64_t{blockIdx.y} * kMeanSamples;
  const int count =
      static_cast<int>(samples - first < kMeanSamples ? samples - first : int64_t{kMeanSamples});
  if constexpr (kNormed) {
    // All lanes stay for the shuffles.
    static_assert(kPartThreads / 4 >= kMeanSamples);
    const int sample = thread / 4 < count ? thread / 4 : count - 1;
    const float value = inverse_rms(norm, (first + sample) * ops::kInt8MeanStride);
    if (thread % 4 == 0 && thread / 4 < count) shared->inverse_rms[sample] = value;
    device::sync_block();
  }

  const PartPlace place;
  const int64_t first_column = int64_t{blockIdx.x} * kPartColumns;
  const int64_t column = first_column + place.column;
  Floats sum = {};
  if (column < columns) {
    Floats weight;
    if (kNormed) load_whole_run(norm.weight + column, weight);
#pragma unroll 2
    for (int sample = place.row; sample < count; sample += kPartRowsAtOnce) {
      const int64_t row = (first + sample) * ops::kInt8MeanStride;
      Floats y;
      load_whole_run(x + row * columns + column, y);
      if constexpr (kNormed) {
        Floats angles;
        load_angles(norm.rope, row, static_cast<int>(column % kHeadDim), angles);
        multiply_angles(shared->inverse_rms[sample], angles);
        normalise(y, weight, angles);
      }
#pragma unroll
      for (int i = 0; i < kRun; ++i) sum[i] += y[i];
    }
  }
  const float total =
      combined_rows(sum, place, shared->sums, [](float all, float of_row) { return all + of_row; });
  const int64_t mine = first_column + thread;
  if (mine < columns) sums[int64_t{blockIdx.y} * columns + mine] = total * factor;
}

inline constexpr int kSumThreads = 128;

// mean = the parts' sums, in order. grid covers the columns, block = kSumThreads.
inline __global__ void __launch_bounds__(kSumThreads)
    mean_of_parts_kernel(const float* sums, float* mean, int parts, int64_t columns) {
  const int64_t column = int64_t{blockIdx.x} * kSumThreads + threadIdx.x;
  if (column >= columns) return;
  float total = 0;
#pragma unroll 8
  for (int part = 0; part < parts; ++part) total += sums[part * columns + column];
  mean[column] = total;
}

// The mean of every 16th row. `parts` is output that is written later and holds the parts' sums
// until then: it has 128 bytes or more for each row and head, a part 1280 rows and 128 sums a head.
static_assert(kMeanSamples * ops::kInt8MeanStride * 128 >= 4 * kHeadDim);
template <bool kNormed, typename Args>
void launch_mean(const char* name, const Args& args, const ops::HeadNorm& norm, void* parts,
                 Stream stream) {
  const int64_t samples = (args.rows + ops::kInt8MeanStride - 1) / ops::kInt8MeanStride;
  const int64_t columns = args.heads * kHeadDim;
  const auto count = static_cast<unsigned>((samples + kMeanSamples - 1) / kMeanSamples);
  auto* const sums = count == 1 ? args.mean : static_cast<float*>(parts);
  const auto handle = static_cast<cudaStream_t>(stream.handle);
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch(name, sampled_sums_kernel<T, kNormed>,
           {.grid = dim3(static_cast<unsigned>(part_column_blocks(columns)), count),
            .block = kPartThreads,
            .shared_bytes = sizeof(MeanShared),
            .stream = handle},
           static_cast<const T*>(args.x), norm, sums, 1.0f / static_cast<float>(samples), samples,
           columns);
  });
  if (count == 1) return;
  launch(name, mean_of_parts_kernel,
         {.grid = dim3(static_cast<unsigned>((columns + kSumThreads - 1) / kSumThreads)),
          .block = kSumThreads,
          .stream = handle},
         sums, args.mean, static_cast<int>(count), columns);
}

}  // namespace reel::cuda
