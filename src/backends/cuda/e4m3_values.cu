// SPDX-License-Identifier: Apache-2.0
// Values less their mean in e4m3 (core/numerics/e4m3_attention.h). Bound by memory: x is read
// twice, first for the largest magnitude of each channel.
#include <cuda_runtime.h>

#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/bytes.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/row_runs.cuh"
#include "core/numerics/e4m3_attention.h"

namespace reel::cuda {
namespace {

constexpr int kDim = ops::kInt8HeadDim;
using Floats = float[kRun];

// A block has 32 channels of one head and a part of the rows, four threads a row.
constexpr int kScaleColumns = 32;
constexpr int kScaleThreads = 512;
constexpr int kScaleWarps = kScaleThreads / device::kWarpSize;
constexpr int kThreadsPerRow = kScaleColumns / kRun;
constexpr int kScaleRowsAtOnce = kScaleThreads / kThreadsPerRow;
constexpr int kMostParts = 8;
using ScaleShared = float[kScaleWarps][kScaleColumns];

// largest[part, heads * 128] = the largest magnitudes of the part's rows. grid = (heads,
// 128 / kScaleColumns, parts), block = kScaleThreads, shared = ScaleShared.
template <typename T>
__global__ void __launch_bounds__(kScaleThreads, 2)
    largest_values_kernel(const T* x, const float* mean, float* largest_of_parts, int64_t rows,
                          int64_t rows_of_part, int64_t heads) {
  const device::Shared<ScaleShared> shared;
  const int thread = static_cast<int>(threadIdx.x);
  const int first_column = static_cast<int>(blockIdx.y) * kScaleColumns;
  const int64_t head_column =
      int64_t{blockIdx.x} * kDim + first_column + thread % kThreadsPerRow * kRun;
  Floats of_all;
  load_whole_run(mean + head_column, of_all);
  const int64_t first = int64_t{blockIdx.z} * rows_of_part;
  const int64_t end = rows - first < rows_of_part ? rows : first + rows_of_part;
  Floats largest = {};
#pragma unroll 4
  for (int64_t row = first + thread / kThreadsPerRow; row < end; row += kScaleRowsAtOnce) {
    Floats value;
    load_whole_run(x + row * heads * kDim + head_column, value);
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      largest[i] = device::larger_magnitude(largest[i], value[i] - of_all[i]);
    }
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
#pragma unroll
    for (int mask = kThreadsPerRow; mask < device::kWarpSize; mask *= 2) {
      largest[i] = device::larger_magnitude(largest[i], device::shuffle_xor(largest[i], mask));
    }
    if (device::lane() < kThreadsPerRow) {
      (*shared)[device::warp_in_block()][device::lane() * kRun + i] = largest[i];
    }
  }
  device::sync_block();
  if (thread >= kScaleColumns) return;
  float of_channel = 0;
  for (int warp = 0; warp < kScaleWarps; ++warp) {
    of_channel = device::larger_magnitude(of_channel, (*shared)[warp][thread]);
  }
  largest_of_parts[(blockIdx.z * heads + blockIdx.x) * kDim + first_column + thread] = of_channel;
}

// grid = heads, block = kDim.
__global__ void __launch_bounds__(kDim)
    value_scales_kernel(const float* largest_of_parts, float* scales, int parts, int64_t heads) {
  const int64_t channel = int64_t{blockIdx.x} * kDim + threadIdx.x;
  float largest = 0;
  for (int part = 0; part < parts; ++part) {
    largest = device::larger_magnitude(largest, largest_of_parts[part * heads * kDim + channel]);
  }
  scales[channel] = numerics::e4m3_value_scale(largest);
}

constexpr int kThreads = 256;
constexpr int kTileRows = ops::kInt8KeyTile;
constexpr int kThreadsPerHead = kDim / kRun;
constexpr int kRowsAtOnce = kThreads / kThreadsPerHead;
constexpr int kGroupKeys = 16;
constexpr int kGroups = kTileRows / kGroupKeys;

// Rows as they come, to be read by channel: neighbouring threads read neighbouring bytes.
using TileShared = uint8_t[kTileRows][kDim];

// grid = (heads, tiles of 64 padded rows), block = kThreads, shared = TileShared.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    e4m3_values_kernel(const T* x, const float* mean, const float* scales, uint8_t* numbers,
                       int64_t rows, int64_t padded_rows, int64_t heads) {
  const device::Shared<TileShared> shared;
  const int thread = static_cast<int>(threadIdx.x);
  const int column = thread % kThreadsPerHead * kRun;
  const int64_t head = blockIdx.x;
  // The last rows first: L2 still has them from the search for the largest.
  const int64_t first_row = int64_t{gridDim.y - 1 - blockIdx.y} * kTileRows;
  Floats of_all, inverse;
  load_whole_run(mean + head * kDim + column, of_all);
  load_whole_run(scales + head * kDim + column, inverse);
#pragma unroll
  for (float& value : inverse) value = 1.0f / value;
#pragma unroll
  for (int in_tile = thread / kThreadsPerHead; in_tile < kTileRows; in_tile += kRowsAtOnce) {
    alignas(8) uint16_t pairs[kRun / 2] = {};
    if (first_row + in_tile < rows) {
      Floats value;
      load_whole_run(x + ((first_row + in_tile) * heads + head) * kDim + column, value);
#pragma unroll
      for (int i = 0; i < kRun; i += 2) {
        pairs[i / 2] = device::pack_e4m3x2((value[i] - of_all[i]) * inverse[i],
                                           (value[i + 1] - of_all[i + 1]) * inverse[i + 1]);
      }
    }
    *reinterpret_cast<uint2*>(&(*shared)[in_tile][column]) =
        make_uint2(pairs[0] | static_cast<uint32_t>(pairs[1]) << 16,
                   pairs[2] | static_cast<uint32_t>(pairs[3]) << 16);
  }
  device::sync_block();
  uint8_t* const tile = numbers + (head * padded_rows + first_row) * kDim;
#pragma unroll
  for (int chunk = thread; chunk < kGroups * kDim; chunk += kThreads) {
    const int group = chunk / kDim;
    const int channel = chunk % kDim;
    uint32_t words[kGroupKeys / 4];
#pragma unroll
    for (int word = 0; word < kGroupKeys / 4; ++word) {
      // Keys 2 w, 2 w + 1, 2 w + 8, 2 w + 9: numerics::e4m3_value_at().
      const uint8_t* const key = &(*shared)[group * kGroupKeys + 2 * word][channel];
      words[word] = key[0] | static_cast<uint32_t>(key[kDim]) << 8 |
                    static_cast<uint32_t>(key[8 * kDim]) << 16 |
                    static_cast<uint32_t>(key[9 * kDim]) << 24;
    }
    *reinterpret_cast<uint4*>(tile + chunk * kGroupKeys) =
        make_uint4(words[0], words[1], words[2], words[3]);
  }
}

}  // namespace

void quantise_e4m3_values(const ops::PrepareValuesArgs& args, Stream stream) {
  const int64_t padded = ops::int8_padded(args.rows);
  const auto handle = static_cast<cudaStream_t>(stream.handle);
  const auto heads = static_cast<unsigned>(args.heads);
  const int64_t rounds = (args.rows + kScaleRowsAtOnce - 1) / kScaleRowsAtOnce;
  const int64_t rows_of_part = (rounds + kMostParts - 1) / kMostParts * kScaleRowsAtOnce;
  const int64_t parts = (args.rows + rows_of_part - 1) / rows_of_part;
  // Until the numbers come, their memory has room for these: 4 * kMostParts bytes a channel.
  static_assert(4 * kMostParts <= ops::kInt8RowTile);
  auto* const largest = reinterpret_cast<float*>(args.e4m3);
  with_element_type(args.dtype, [&]<typename T>(T) {
    const T* const x = static_cast<const T*>(args.x);
    launch("largest_values", largest_values_kernel<T>,
           {.grid = dim3(heads, kDim / kScaleColumns, static_cast<unsigned>(parts)),
            .block = kScaleThreads,
            .shared_bytes = sizeof(ScaleShared),
            .stream = handle},
           x, args.mean, largest, args.rows, rows_of_part, args.heads);
    launch("scales_of_values", value_scales_kernel,
           {.grid = heads, .block = kDim, .stream = handle}, largest, args.scales,
           static_cast<int>(parts), args.heads);
    launch("e4m3_values", e4m3_values_kernel<T>,
           {.grid = dim3(heads, static_cast<unsigned>(padded / kTileRows)),
            .block = kThreads,
            .shared_bytes = sizeof(TileShared),
            .stream = handle},
           x, args.mean, args.scales, args.e4m3, args.rows, padded, args.heads);
  });
}

}  // namespace reel::cuda
