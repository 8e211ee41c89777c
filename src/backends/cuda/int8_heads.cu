// SPDX-License-Identifier: Apache-2.0
// From projections to the heads of 8-bit attention. Bound by memory: x is read once, 16 bytes at a
// time, and every result written once; the mean of every 16th row reads 1/16 of x before. While a
// head is computed, the next ones' part of x is copied to shared memory. x and all results start at
// multiples of 16 bytes.
#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/head_means.cuh"
#include "backends/cuda/head_norm.cuh"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/row_runs.cuh"
#include "backends/cuda/row_warps.cuh"
#include "backends/cuda/warp_numbers.cuh"

namespace reel::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / device::kWarpSize;
constexpr int kTileRows = ops::kInt8KeyTile;
constexpr int kMostHeadsPerBlock = 10;  // share the norms and rotations of 64 rows
constexpr int kAhead = 2;               // heads
constexpr int kWarpRows = kWarpColumns / kHeadDim;
static_assert(kWarps * kWarpRows == kTileRows);

// Rows 2 g, 2 g + 1 and all that are multiples of eight further on share scale g of keys.
constexpr int kGroupLanes = 2 * kBlockLanes;
static_assert(kWarpRows == 8 && ops::kInt8KeyScales == 4);

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

// A head's weights or means. Lanes read 32 columns apart; the gaps keep them off each other's
// banks.
constexpr int kColumnGap = 4;
using HeadFloats = float[(kLaneColumns + kColumnGap) * kBlockLanes];

__device__ inline int place_of(int column) { return column + column / kLaneColumns * kColumnGap; }

template <typename T, bool kKeys>
struct QuantiseShared {
  alignas(16) HeadFloats weight[kMostHeadsPerBlock];
  alignas(16) HeadFloats mean[kKeys ? kMostHeadsPerBlock : 1];
  // By parity of the head, so that one barrier a head is enough.
  alignas(16) float largest[2][ops::kInt8KeyScales][kWarps];
  // The next heads of the warps' rows: 16-byte chunks as warp_numbers.cuh places them.
  alignas(16) unsigned char next[kAhead][kWarps][kWarpColumns * sizeof(T)];
};

// Starts copying the warp's rows of a head; rows that do not exist become zeros.
template <typename T>
__device__ inline void start_head(const Heads<T>& problem, int64_t warp_row, int64_t head,
                                  unsigned char* to) {
  using Copy = WarpCopy<T>;
#pragma unroll
  for (int copy = 0; copy < Copy::kCopies; ++copy) {
    const int64_t row = warp_row + Copy::block(copy);
    const bool exists = row < problem.rows;
    const T* const from = problem.x + ((exists ? row * problem.heads : 0) + head) * kHeadDim;
    device::cp_async_16(to + chunk_place<T, RunOrder::kTogether>(Copy::block(copy), Copy::chunk()),
                        from + Copy::column(), exists);
  }
}

// All threads of the block call; a barrier has to follow.
__device__ inline void load_heads(const float* from, int64_t heads, HeadFloats* to) {
  constexpr int kFours = kHeadDim / 4;
  for (int at = static_cast<int>(threadIdx.x); at < static_cast<int>(heads) * kFours;
       at += kThreads) {
    *reinterpret_cast<float4*>(&to[at / kFours][place_of(at % kFours * 4)]) =
        reinterpret_cast<const float4*>(from)[at];
  }
}

// rope(norm(x)), of keys less their mean.
template <bool kSubtract>
__device__ inline void normalise_runs(const HeadFloats& weights, const HeadFloats& means,
                                      const LaneRuns& angles, LaneRuns& x) {
  const int lane_column = device::lane() % kBlockLanes * kLaneColumns;
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
    const int place = place_of(lane_column + run * kRun);
    Floats weight;
    load_whole_run(weights + place, weight);
    normalise(x[run], weight, angles[run]);
    if (!kSubtract) continue;
    Floats mean;
    load_whole_run(means + place, mean);
#pragma unroll
    for (int i = 0; i < kRun; ++i) x[run][i] -= mean[i];
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

// Of the two rows of eight lanes, and all that are a multiple of eight further on.
__device__ inline float largest_of_group(float mine,
                                         float (&of_groups)[ops::kInt8KeyScales][kWarps]) {
  const float of_warp = largest_of_lanes<kGroupLanes>(mine);
  float* const of_group = of_groups[device::lane() / kGroupLanes];
  if (device::lane() % kGroupLanes == 0) of_group[device::warp_in_block()] = of_warp;
  device::sync_block();
  Floats of_warps;
  static_assert(kWarps == kRun);
  load_whole_run(of_group, of_warps);
  float largest = 0;
#pragma unroll
  for (const float value : of_warps) largest = device::larger_magnitude(largest, value);
  return largest;
}

// x * factor to the nearest integers, as RotatedInt8Runs::round() but for ties of the product
// before it is rounded, and NaN.
__device__ inline uint2 rounded_run(const Floats& x, float factor) {
  constexpr float kRound = 12582912.0f;
  uint32_t sums[kRun];
#pragma unroll
  for (int i = 0; i < kRun; ++i) sums[i] = numerics::bits_of(fmaf(x[i], factor, kRound));
  return {device::lowest_bytes(sums[0], sums[1], sums[2], sums[3]),
          device::lowest_bytes(sums[4], sums[5], sums[6], sums[7])};
}

// grid = (groups of heads, tiles of 64 padded rows), block = kThreads, shared = QuantiseShared.
// Four lanes have a row of a head, a warp eight rows.
template <typename T, bool kKeys>
__global__ void __launch_bounds__(kThreads, 2) quantise_heads_kernel(Heads<T> problem) {
  const device::Shared<QuantiseShared<T, kKeys>> shared;
  const int lane = device::lane();
  const int warp = device::warp_in_block();
  const int64_t first_row = int64_t{blockIdx.y} * kTileRows;
  const int64_t warp_row = first_row + warp * kWarpRows;
  const int64_t row = warp_row + lane / kBlockLanes;
  const bool exists = row < problem.rows;
  const int64_t norm_row = exists ? row : problem.rows - 1;

  const int64_t first_head = int64_t{blockIdx.x} * problem.heads_per_block;
  const int64_t heads = problem.heads - first_head < problem.heads_per_block
                            ? problem.heads - first_head
                            : problem.heads_per_block;
#pragma unroll
  for (int head = 0; head < kAhead; ++head) {
    if (head < heads) start_head(problem, warp_row, first_head + head, shared->next[head][warp]);
    device::cp_async_commit();
  }
  load_heads(problem.norm.weight + first_head * kHeadDim, heads, shared->weight);
  if (kKeys) load_heads(problem.mean + first_head * kHeadDim, heads, shared->mean);
  const float inv_rms = inverse_rms(problem.norm, norm_row);
  LaneRuns angles;
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
    load_angles(problem.norm.rope, norm_row, lane % kBlockLanes * kLaneColumns + run * kRun,
                inv_rms, angles[run]);
  }
  device::sync_block();

  int stage = 0;
  for (int head = 0; head < heads; ++head, stage = stage + 1 == kAhead ? 0 : stage + 1) {
    device::cp_async_wait<kAhead - 1>();
    device::sync_warp();
    LaneRuns y;
    take_numbers<T, RunOrder::kTogether, widen_run>(shared->next[stage][warp], y);
    device::sync_warp();
    if (head + kAhead < heads) {
      start_head(problem, warp_row, first_head + head + kAhead, shared->next[stage][warp]);
    }
    device::cp_async_commit();

    if (kKeys && exists) {
      normalise_runs<true>(shared->weight[head], shared->mean[head], angles, y);
    } else {  // of keys zeros, which stay zeros
      normalise_runs<false>(shared->weight[head], shared->mean[0], angles, y);
    }
    float factors[kLaneRuns];
    rotate_but_for_factors(y, factors);

    float scale = amax_of_runs(y) * numerics::kRotationScale;
    const int64_t out_row = (first_head + head) * problem.padded_rows + first_row;
    if constexpr (kKeys) {
      scale = numerics::int8_scale(largest_of_group(scale, shared->largest[head % 2]));
      if (warp == 0 && lane % kGroupLanes == 0) {
        problem.scales[out_row / kTileRows * ops::kInt8KeyScales + lane / kGroupLanes] = scale;
      }
    } else {
      scale = numerics::int8_scale(largest_of_lanes<kBlockLanes>(scale));
      if (lane % kBlockLanes == 0) {
        problem.scales[out_row + warp * kWarpRows + lane / kBlockLanes] = scale;
      }
    }
    int8_t* const numbers = problem.numbers + (out_row + warp * kWarpRows) * kHeadDim;
    const float inverse_scale = 1.0f / scale;
#pragma unroll
    for (int run = 0; run < kLaneRuns; ++run) {
      *reinterpret_cast<uint2*>(numbers + column_of_run<RunOrder::kSpread>(run)) =
          rounded_run(y[run], factors[run] * inverse_scale);
    }
  }
}

constexpr int kThreadsPerRow = kHeadDim / kRun;
constexpr int kRowsAtOnce = kThreads / kThreadsPerRow;
constexpr int kRowsPerThread = kTileRows / kRowsAtOnce;

// grid = (heads, tiles of 64 padded rows), block = kThreads, no shared memory.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    centre_values_kernel(const T* x, const float* mean, uint16_t* numbers, int64_t rows,
                         int64_t padded_rows, int64_t heads) {
  const int thread = static_cast<int>(threadIdx.x);
  const int column = thread % kThreadsPerRow * kRun;
  const int64_t head = blockIdx.x;
  Floats of_all;
  load_whole_run(mean + head * kHeadDim + column, of_all);
#pragma unroll
  for (int i = 0; i < kRowsPerThread; ++i) {
    const int64_t row = int64_t{blockIdx.y} * kTileRows + thread / kThreadsPerRow + i * kRowsAtOnce;
    RunOf<uint16_t> out = {};
    if (row < rows) {
      Floats value;
      load_whole_run(x + (row * heads + head) * kHeadDim + column, value);
#pragma unroll
      for (int k = 0; k < kRun; ++k) out.at[k] = device::f32_to_f16(value[k] - of_all[k]);
    }
    *reinterpret_cast<RunOf<uint16_t>*>(numbers + (head * padded_rows + row) * kHeadDim + column) =
        out;
  }
}

dim3 tiles_of(int64_t columns, int64_t padded_rows) {
  return dim3(static_cast<unsigned>(columns), static_cast<unsigned>(padded_rows / kTileRows));
}

template <bool kKeys, typename Args>
void launch_quantise(const char* name, const Args& args, const float* mean, Stream stream) {
  const int64_t padded = ops::int8_padded(args.rows);
  const int64_t groups = (args.heads + kMostHeadsPerBlock - 1) / kMostHeadsPerBlock;
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch(name, quantise_heads_kernel<T, kKeys>,
           {.grid = tiles_of(groups, padded),
            .block = kThreads,
            .shared_bytes = sizeof(QuantiseShared<T, kKeys>),
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

}  // namespace

void quantise_queries(const ops::QuantiseQueriesArgs& args, Stream stream) {
  launch_quantise<false>("quantise_queries", args, nullptr, stream);
}

void quantise_keys(const ops::QuantiseKeysArgs& args, Stream stream) {
  launch_sampled_rms(args, stream);
  launch_mean<true>("mean_of_keys", args, args.norm, args.scales, stream);
  launch_quantise<true>("quantise_keys", args, args.mean, stream);
}

void prepare_values(const ops::PrepareValuesArgs& args, Stream stream) {
  launch_mean<false>("mean_of_values", args, {}, nullptr, stream);
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
