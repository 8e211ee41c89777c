// SPDX-License-Identifier: Apache-2.0
// From projections to the heads of 8-bit attention. Bound by memory: x is read once, 16 bytes at a
// time, and every result written once; the mean of every 16th row reads 1/16 of x before. Weights
// and rotations come from the caches. While a head is computed, the next one's part of x is copied
// to shared memory. x and all results start at multiples of 16 bytes.
#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/row_runs.cuh"
#include "backends/cuda/row_warps.cuh"

namespace reel::cuda {
namespace {

constexpr int kDim = ops::kInt8HeadDim;
constexpr int kThreadsPerRow = kDim / kRun;  // of a head
constexpr int kThreads = 256;
constexpr int kWarps = kThreads / device::kWarpSize;
constexpr int kRowsAtOnce = kThreads / kThreadsPerRow;
constexpr int kTileRows = ops::kInt8KeyTile;
constexpr int kRowsPerThread = kTileRows / kRowsAtOnce;
constexpr int kMostHeadsPerBlock = 10;  // share the norms and rotations of 64 rows

// Both rows of a warp, and all rows of a thread, share a scale of keys: rows 2 w and 2 w + 1 of
// warp w, and 16, 32, 48 further on, are of group w % 4.
static_assert(kRowsAtOnce == 16 && ops::kInt8KeyScales == 4);

template <typename T>
using Run = RunOf<T>;  // what a thread has of a row

using Floats = float[kRun];

template <typename T>
__device__ inline void load_run(const T* from, Floats& to) {
  load_whole_run(from, to);
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
  int64_t heads_per_block;
};

template <typename T>
struct QuantiseShared {
  float inv_rms[kTileRows];
  float largest[2][kWarps];  // by parity of the head, so that one barrier a head is enough
  // The next head, each chunk where the thread that copied it will look for it.
  alignas(16) uint4 next[kRowsPerThread][kRun * sizeof(T) / 16][kThreads];
};

// Starts copying a thread's runs of a head; rows that do not exist become zeros.
template <typename T>
__device__ inline void start_head(const Heads<T>& problem, int64_t first_row, int64_t head_column,
                                  QuantiseShared<T>& shared) {
  const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int i = 0; i < kRowsPerThread; ++i) {
    const int64_t row = first_row + thread / kThreadsPerRow + i * kRowsAtOnce;
    const bool exists = row < problem.rows;
    const T* from = problem.x + (exists ? row * problem.heads * kDim + head_column : 0);
#pragma unroll
    for (int chunk = 0; chunk < kRun * static_cast<int>(sizeof(T)) / 16; ++chunk) {
      device::cp_async_16(&shared.next[i][chunk][thread],
                          reinterpret_cast<const uint4*>(from) + chunk, exists);
    }
  }
  device::cp_async_commit();
}

template <typename T>
__device__ inline void take_head(const QuantiseShared<T>& shared, Floats (&y)[kRowsPerThread]) {
#pragma unroll
  for (int i = 0; i < kRowsPerThread; ++i) {
    Run<T> run;
#pragma unroll
    for (int chunk = 0; chunk < kRun * static_cast<int>(sizeof(T)) / 16; ++chunk) {
      reinterpret_cast<uint4*>(&run)[chunk] = shared.next[i][chunk][threadIdx.x];
    }
    widen_run(run, y[i]);
  }
}

// Over kLanes neighbours.
template <int kLanes>
__device__ inline float largest_of_lanes(float value) {
#pragma unroll
  for (int mask = kLanes / 2; mask > 0; mask /= 2) {
    value = device::larger_magnitude(value, device::shuffle_xor(value, mask));
  }
  return value;
}

// grid = (groups of heads, tiles of 64 padded rows), block = kThreads, shared = QuantiseShared.
// A thread has columns 8 (t % 16) to 8 (t % 16) + 7 of rows t / 16, + 16, + 32 and + 48.
template <typename T, bool kKeys>
__global__ void __launch_bounds__(kThreads) quantise_heads_kernel(Heads<T> problem) {
  const device::Shared<QuantiseShared<T>> shared;
  const int thread = static_cast<int>(threadIdx.x);
  const int column = thread % kThreadsPerRow * kRun;
  const int64_t first_row = int64_t{blockIdx.y} * kTileRows;

  const int64_t first_head = int64_t{blockIdx.x} * problem.heads_per_block;
  const int64_t end_head = first_head + problem.heads_per_block < problem.heads
                               ? first_head + problem.heads_per_block
                               : problem.heads;
  start_head(problem, first_row, first_head * kDim + column, *shared);
  // Lanes of rows that do not exist repeat the last one: a shuffle needs them all.
  const int64_t norm_row = first_row + thread / 4;
  const float inv_rms =
      inverse_rms(problem.norm, norm_row < problem.rows ? norm_row : problem.rows - 1);
  if (thread % 4 == 0) shared->inv_rms[thread / 4] = inv_rms;
  Floats angles[kRowsPerThread];
#pragma unroll
  for (int i = 0; i < kRowsPerThread; ++i) {
    const int64_t row = first_row + thread / kThreadsPerRow + i * kRowsAtOnce;
    load_angles(problem.norm.rope, row < problem.rows ? row : problem.rows - 1, column, angles[i]);
  }
  device::sync_block();

  for (int64_t head = first_head; head < end_head; ++head) {
    const int64_t head_column = head * kDim + column;
    Floats y[kRowsPerThread];
    device::cp_async_wait<0>();
    take_head(*shared, y);
    if (head + 1 < end_head) start_head(problem, first_row, head_column + kDim, *shared);
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
      rotate_run(y[i]);
      largest[i] = 0;
#pragma unroll
      for (const float value : y[i]) largest[i] = device::larger_magnitude(largest[i], value);
    }

    const int64_t out_row = head * problem.padded_rows + first_row;
    if constexpr (kKeys) {
      float of_group = device::larger_magnitude(device::larger_magnitude(largest[0], largest[1]),
                                                device::larger_magnitude(largest[2], largest[3]));
      static_assert(kRowsPerThread == 4);
      of_group = largest_of_lanes<device::kWarpSize>(of_group);
      const int warp = device::warp_in_block();
      float* const of_warps = shared->largest[head % 2];
      if (device::lane() == 0) of_warps[warp] = of_group;
      device::sync_block();
      const int group = warp % ops::kInt8KeyScales;
      const float scale =
          numerics::int8_scale(device::larger_magnitude(of_warps[group], of_warps[group + 4]));
      if (thread % device::kWarpSize == 0 && warp < ops::kInt8KeyScales) {
        problem.scales[out_row / kTileRows * ops::kInt8KeyScales + group] = scale;
      }
#pragma unroll
      for (float& value : largest) value = scale;
    } else {
#pragma unroll
      for (float& value : largest)
        value = numerics::int8_scale(largest_of_lanes<kThreadsPerRow>(value));
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
      *reinterpret_cast<uint2*>(problem.numbers + row * kDim + column) =
          RotatedInt8Runs::round(y[i], 1.0f / largest[i]);
    }
  }
}

// Means: a block has 32 columns of one head, four threads a row.
constexpr int kMeanColumns = 32;
constexpr int kMeanThreads = 512;
constexpr int kMeanWarps = kMeanThreads / device::kWarpSize;
constexpr int kMeanThreadsPerRow = kMeanColumns / kRun;
constexpr int kMeanRuns = 2;  // of a thread at a time
static_assert(kMeanThreadsPerRow == 4, "inverse_rms takes four lanes");

using MeanShared = float[kMeanWarps][kMeanColumns];

// mean = that of every 16th row: of rope(norm(x)) when kNormed, of x else. Sums by thread, then
// over the 8 rows of a warp, then over warps. grid = (heads, 128 / kMeanColumns), block =
// kMeanThreads, shared = MeanShared.
template <typename T, bool kNormed>
__global__ void __launch_bounds__(kMeanThreads, 2)
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
  for (int64_t first = 0; first < samples; first += kMeanRuns * kSamplesAtOnce) {
    Floats y[kMeanRuns];
#pragma unroll
    for (int run = 0; run < kMeanRuns; ++run) {
      const int64_t sample = first + run * kSamplesAtOnce + thread / kMeanThreadsPerRow;
      const int64_t row = (sample < samples ? sample : 0) * ops::kInt8MeanStride;
      load_run(x + row * heads * kDim + head_column, y[run]);
      if constexpr (kNormed) {
        Floats angles;
        load_angles(norm.rope, row, column, angles);
        normalise(y[run], inverse_rms(norm, row), weight, angles);
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

ops::HeadNorm with_sums(ops::HeadNorm norm, int64_t heads) {
  if (norm.sums_per_row == 0) norm.sums_per_row = heads;
  return norm;
}

template <bool kKeys, typename Args>
void launch_quantise(const char* name, const Args& args, const float* mean, Stream stream) {
  const int64_t padded = ops::int8_padded(args.rows);
  const int64_t groups = (args.heads + kMostHeadsPerBlock - 1) / kMostHeadsPerBlock;
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch(name, quantise_heads_kernel<T, kKeys>,
           {.grid = tiles_of(groups, padded),
            .block = kThreads,
            .shared_bytes = sizeof(QuantiseShared<T>),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           {.x = static_cast<const T*>(args.x),
            .norm = with_sums(args.norm, args.heads),
            .mean = mean,
            .numbers = args.numbers,
            .scales = args.scales,
            .rows = args.rows,
            .padded_rows = padded,
            .heads = args.heads,
            .heads_per_block = (args.heads + groups - 1) / groups});
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
           static_cast<const T*>(args.x), with_sums(norm, args.heads), args.mean, args.rows,
           args.heads);
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
  if (args.e4m3 != nullptr) return quantise_e4m3_values(args, stream);
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
