// SPDX-License-Identifier: Apache-2.0
// From projections to the heads of 8-bit attention. Bound by memory: x is read once, 16 bytes at a
// time, and every result written once; the mean of every 16th row reads 1/16 of x before. Weights
// and rotations come from the caches. x and all results start at multiples of 16 bytes.
#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "core/numerics/int8_rotation.h"
#include "core/numerics/small_floats.h"

namespace reel::cuda {
namespace {

constexpr int kDim = ops::kInt8HeadDim;
constexpr int kRun = 8;                      // neighbours a thread has: 16 bytes of x
constexpr int kThreadsPerRow = kDim / kRun;  // of a head
constexpr int kThreads = 256;
constexpr int kWarps = kThreads / device::kWarpSize;
constexpr int kRowsAtOnce = kThreads / kThreadsPerRow;
constexpr int kTileRows = ops::kInt8KeyTile;
constexpr int kRowsPerThread = kTileRows / kRowsAtOnce;
constexpr int kHeadsPerBlock = 4;  // share the norms and rotations of 64 rows

// Both rows of a warp, and all rows of a thread, share a scale of keys: rows 2 w and 2 w + 1 of
// warp w, and 16, 32, 48 further on, are of group w % 4.
static_assert(kRowsAtOnce == 16 && ops::kInt8KeyScales == 4);

template <typename T>
struct alignas(16) Run {
  T at[kRun];
};

using Floats = float[kRun];

template <typename T>
__device__ inline void load_run(const T* from, Floats& to) {
  const Run<T> run = *reinterpret_cast<const Run<T>*>(from);
#pragma unroll
  for (int i = 0; i < kRun; ++i) to[i] = device::load_as_float(run.at[i]);
}

// cos and sin of the run's four pairs.
__device__ inline void load_angles(const float* rope, int64_t row, int column, Floats& to) {
  if (rope != nullptr) {
    load_run(rope + row * kDim + column, to);
    return;
  }
#pragma unroll
  for (int i = 0; i < kRun; i += 2) {
    to[i] = 1;
    to[i + 1] = 0;
  }
}

// y = rope(x * inv_rms * weight), in place.
__device__ inline void normalise(Floats& x, float inv_rms, const Floats& weight,
                                 const Floats& angles) {
#pragma unroll
  for (int i = 0; i < kRun; i += 2) {
    const float a = x[i] * inv_rms * weight[i];
    const float b = x[i + 1] * inv_rms * weight[i + 1];
    x[i] = a * angles[i] - b * angles[i + 1];
    x[i + 1] = a * angles[i + 1] + b * angles[i];
  }
}

// 1 / rms of a row from the sums of its heads, by four neighbouring lanes; each gets it.
__device__ inline float inverse_rms(const ops::HeadNorm& norm, int64_t row, int64_t heads) {
  float sum = 0;
  for (int64_t head = device::lane() % 4; head < heads; head += 4) {
    sum += norm.sum_squares[row * heads + head];
  }
  sum += device::shuffle_xor(sum, 1);
  sum += device::shuffle_xor(sum, 2);
  return 1.0f / sqrtf(sum / static_cast<float>(heads * kDim) + norm.eps);
}

template <typename T>
struct Heads {
  const T* x;  // [rows, heads * 128]
  ops::HeadNorm norm;
  const float* mean;  // [heads, 128], taken away from keys
  int8_t* numbers;    // [heads, padded rows, 128]
  float* scales;
  int64_t rows, padded_rows, heads;
};

struct QuantiseShared {
  float inv_rms[kTileRows];
  float largest[2][kWarps];  // by parity of the head, so that one barrier a head is enough
};

__device__ inline float largest_of_row(float value) {
#pragma unroll
  for (int mask = kThreadsPerRow / 2; mask > 0; mask /= 2) {
    value = numerics::larger_magnitude(value, device::shuffle_xor(value, mask));
  }
  return value;
}

__device__ inline void store_quantised(const Floats& y, float scale, int8_t* out) {
  const float inverse = 1.0f / scale;
  alignas(8) int8_t numbers[kRun];
#pragma unroll
  for (int i = 0; i < kRun; ++i) numbers[i] = numerics::quantise_int8(y[i], inverse);
  *reinterpret_cast<uint2*>(out) = *reinterpret_cast<const uint2*>(numbers);
}

// grid = (groups of heads, tiles of 64 padded rows), block = kThreads, shared = QuantiseShared.
// A thread has columns 8 (t % 16) to 8 (t % 16) + 7 of rows t / 16, + 16, + 32 and + 48.
template <typename T, bool kKeys>
__global__ void __launch_bounds__(kThreads) quantise_heads_kernel(Heads<T> problem) {
  const device::Shared<QuantiseShared> shared;
  const int thread = static_cast<int>(threadIdx.x);
  const int column = thread % kThreadsPerRow * kRun;
  const int64_t first_row = int64_t{blockIdx.y} * kTileRows;

  // Lanes of rows that do not exist repeat the last one: a shuffle needs them all.
  const int64_t norm_row = first_row + thread / 4;
  const float inv_rms = inverse_rms(
      problem.norm, norm_row < problem.rows ? norm_row : problem.rows - 1, problem.heads);
  if (thread % 4 == 0) shared->inv_rms[thread / 4] = inv_rms;
  Floats angles[kRowsPerThread];
#pragma unroll
  for (int i = 0; i < kRowsPerThread; ++i) {
    const int64_t row = first_row + thread / kThreadsPerRow + i * kRowsAtOnce;
    load_angles(problem.norm.rope, row < problem.rows ? row : problem.rows - 1, column, angles[i]);
  }
  device::sync_block();

  const int64_t first_head = int64_t{blockIdx.x} * kHeadsPerBlock;
  for (int64_t head = first_head; head < first_head + kHeadsPerBlock && head < problem.heads;
       ++head) {
    const int64_t head_column = head * kDim + column;
    Floats y[kRowsPerThread];
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
      const int64_t row = first_row + thread / kThreadsPerRow + i * kRowsAtOnce;
      if (row < problem.rows) {
        load_run(problem.x + row * problem.heads * kDim + head_column, y[i]);
      } else {
#pragma unroll
        for (float& value : y[i]) value = 0;
      }
    }
    Floats weight;
    load_run(problem.norm.weight + head_column, weight);
    Floats mean;
    if (kKeys) load_run(problem.mean + head_column, mean);

    float largest[kRowsPerThread];
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
      const int in_tile = thread / kThreadsPerRow + i * kRowsAtOnce;
      normalise(y[i], shared->inv_rms[in_tile], weight, angles[i]);
      if (kKeys && first_row + in_tile < problem.rows) {
#pragma unroll
        for (int k = 0; k < kRun; ++k) y[i][k] -= mean[k];
      }
      largest[i] = 0;
#pragma unroll
      for (const float value : y[i]) largest[i] = numerics::larger_magnitude(largest[i], value);
    }

    const int64_t out_row = head * problem.padded_rows + first_row;
    if constexpr (kKeys) {
      float of_group =
          numerics::larger_magnitude(numerics::larger_magnitude(largest[0], largest[1]),
                                     numerics::larger_magnitude(largest[2], largest[3]));
      static_assert(kRowsPerThread == 4);
      of_group = device::warp_amax(of_group);
      const int warp = device::warp_in_block();
      float* const of_warps = shared->largest[head % 2];
      if (device::lane() == 0) of_warps[warp] = of_group;
      device::sync_block();
      const int group = warp % ops::kInt8KeyScales;
      const float scale =
          numerics::int8_scale(numerics::larger_magnitude(of_warps[group], of_warps[group + 4]));
      if (thread % device::kWarpSize == 0 && warp < ops::kInt8KeyScales) {
        problem.scales[out_row / kTileRows * ops::kInt8KeyScales + group] = scale;
      }
#pragma unroll
      for (float& value : largest) value = scale;
    } else {
#pragma unroll
      for (float& value : largest) value = numerics::int8_scale(largest_of_row(value));
      if (thread % kThreadsPerRow == 0) {
#pragma unroll
        for (int i = 0; i < kRowsPerThread; ++i) {
          problem.scales[out_row + thread / kThreadsPerRow + i * kRowsAtOnce] = largest[i];
        }
      }
    }
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
      const int64_t row = out_row + thread / kThreadsPerRow + i * kRowsAtOnce;
      store_quantised(y[i], largest[i], problem.numbers + row * kDim + column);
    }
  }
}

// Means: a block has 32 columns of one head, four threads a row.
constexpr int kMeanColumns = 32;
constexpr int kMeanThreads = 512;
constexpr int kMeanWarps = kMeanThreads / device::kWarpSize;
constexpr int kMeanThreadsPerRow = kMeanColumns / kRun;
static_assert(kMeanThreadsPerRow == 4, "inverse_rms takes four lanes");

using MeanShared = float[kMeanWarps][kMeanColumns];

// mean = that of every 16th row: of rope(norm(x)) when kNormed, of x else. Sums by thread, then
// over the 8 rows of a warp, then over warps. grid = (heads, 128 / kMeanColumns), block =
// kMeanThreads, shared = MeanShared.
template <typename T, bool kNormed>
__global__ void __launch_bounds__(kMeanThreads)
    sampled_mean_kernel(const T* x, ops::HeadNorm norm, float* mean, int64_t rows, int64_t heads) {
  const device::Shared<MeanShared> shared;
  const int thread = static_cast<int>(threadIdx.x);
  const int column =
      static_cast<int>(blockIdx.y) * kMeanColumns + thread % kMeanThreadsPerRow * kRun;
  const int64_t head_column = int64_t{blockIdx.x} * kDim + column;
  Floats weight;
  if (kNormed) load_run(norm.weight + head_column, weight);

  const int64_t samples = (rows + ops::kInt8MeanStride - 1) / ops::kInt8MeanStride;
  constexpr int kSamplesAtOnce = kMeanThreads / kMeanThreadsPerRow;
  Floats sum = {};
  // All lanes stay for the shuffles.
  for (int64_t first = 0; first < samples; first += kSamplesAtOnce) {
    const int64_t sample = first + thread / kMeanThreadsPerRow;
    const int64_t row = (sample < samples ? sample : 0) * ops::kInt8MeanStride;
    Floats y;
    load_run(x + row * heads * kDim + head_column, y);
    if constexpr (kNormed) {
      Floats angles;
      load_angles(norm.rope, row, column, angles);
      normalise(y, inverse_rms(norm, row, heads), weight, angles);
    }
    if (sample >= samples) continue;
#pragma unroll
    for (int i = 0; i < kRun; ++i) sum[i] += y[i];
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
  mean[int64_t{blockIdx.x} * kDim + static_cast<int>(blockIdx.y) * kMeanColumns + thread] =
      total / static_cast<float>(samples);
}

// grid = (heads, tiles of 64 padded rows), block = kThreads, no shared memory.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    centre_values_kernel(const T* x, const float* mean, uint16_t* numbers, int64_t rows,
                         int64_t padded_rows, int64_t heads) {
  const int thread = static_cast<int>(threadIdx.x);
  const int column = thread % kThreadsPerRow * kRun;
  const int64_t head = blockIdx.x;
  Floats of_all;
  load_run(mean + head * kDim + column, of_all);
#pragma unroll
  for (int i = 0; i < kRowsPerThread; ++i) {
    const int64_t row = int64_t{blockIdx.y} * kTileRows + thread / kThreadsPerRow + i * kRowsAtOnce;
    Run<uint16_t> out = {};
    if (row < rows) {
      Floats value;
      load_run(x + (row * heads + head) * kDim + column, value);
#pragma unroll
      for (int k = 0; k < kRun; ++k) out.at[k] = device::f32_to_f16(value[k] - of_all[k]);
    }
    *reinterpret_cast<Run<uint16_t>*>(numbers + (head * padded_rows + row) * kDim + column) = out;
  }
}

dim3 tiles_of(int64_t columns, int64_t padded_rows) {
  return dim3(static_cast<unsigned>(columns), static_cast<unsigned>(padded_rows / kTileRows));
}

template <bool kKeys, typename Args>
void launch_quantise(const char* name, const Args& args, const float* mean, Stream stream) {
  const int64_t padded = ops::int8_padded(args.rows);
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch(name, quantise_heads_kernel<T, kKeys>,
           {.grid = tiles_of((args.heads + kHeadsPerBlock - 1) / kHeadsPerBlock, padded),
            .block = kThreads,
            .shared_bytes = sizeof(QuantiseShared),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           {.x = static_cast<const T*>(args.x),
            .norm = args.norm,
            .mean = mean,
            .numbers = args.numbers,
            .scales = args.scales,
            .rows = args.rows,
            .padded_rows = padded,
            .heads = args.heads});
  });
}

template <bool kNormed, typename Args>
void launch_mean(const char* name, const Args& args, const ops::HeadNorm& norm, Stream stream) {
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch(name, sampled_mean_kernel<T, kNormed>,
           {.grid = dim3(static_cast<unsigned>(args.heads), kDim / kMeanColumns),
            .block = kMeanThreads,
            .shared_bytes = sizeof(MeanShared),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           static_cast<const T*>(args.x), norm, args.mean, args.rows, args.heads);
  });
}

}  // namespace

void quantise_queries(const ops::QuantiseQueriesArgs& args, Stream stream) {
  launch_quantise<false>("quantise_queries", args, nullptr, stream);
}

void quantise_keys(const ops::QuantiseKeysArgs& args, Stream stream) {
  launch_mean<true>("mean_of_keys", args, args.norm, stream);
  launch_quantise<true>("quantise_keys", args, args.mean, stream);
}

void prepare_values(const ops::PrepareValuesArgs& args, Stream stream) {
  launch_mean<false>("mean_of_values", args, {}, stream);
  const int64_t padded = ops::int8_padded(args.rows);
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch("prepare_values", centre_values_kernel<T>,
           {.grid = tiles_of(args.heads, padded),
            .block = kThreads,
            .stream = static_cast<cudaStream_t>(stream.handle)},
           static_cast<const T*>(args.x), args.mean, args.numbers, args.rows, padded, args.heads);
  });
}

}  // namespace reel::cuda
