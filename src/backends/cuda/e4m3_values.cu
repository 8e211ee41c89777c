// SPDX-License-Identifier: Apache-2.0
// Values less their mean in e4m3 (core/numerics/e4m3_attention.h). Bound by memory: x is read
// twice, first for the largest magnitude of each channel.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "backends/cuda/column_parts.cuh"
#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/bytes.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/head_norm.cuh"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"
#include "backends/cuda/row_runs.cuh"
#include "core/numerics/e4m3_attention.h"

namespace reel::cuda {
namespace {

constexpr int kDim = kHeadDim;

// largest[part, heads * 128] = the largest magnitudes of the part's rows. grid = (columns /
// kPartColumns, parts), block = kPartThreads, shared = PartShared.
template <typename T>
__global__ void __launch_bounds__(kPartThreads, kPartBlocks)
    largest_values_kernel(const T* x, const float* mean, float* largest_of_parts, int64_t rows,
                          int64_t rows_of_part, int64_t columns) {
  const device::Shared<PartShared> shared;
  const PartPlace place;
  const int64_t first_column = int64_t{blockIdx.x} * kPartColumns;
  const int64_t column = first_column + place.column;
  Floats largest = {};
  if (column < columns) {
    Floats of_all;
    load_whole_run(mean + column, of_all);
    const int64_t first = int64_t{blockIdx.y} * rows_of_part;
    const int64_t end = rows - first < rows_of_part ? rows : first + rows_of_part;
#pragma unroll 4
    for (int64_t row = first + place.row; row < end; row += kPartRowsAtOnce) {
      Floats value;
      load_whole_run(x + row * columns + column, value);
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        largest[i] = device::larger_magnitude(largest[i], value[i] - of_all[i]);
      }
    }
  }
  const float of_channel = combined_rows(
      largest, place, *shared,
      [](float magnitude, float of_row) { return device::larger_magnitude(magnitude, of_row); });
  const int64_t mine = first_column + threadIdx.x;
  if (mine < columns) largest_of_parts[blockIdx.y * columns + mine] = of_channel;
}

// grid = heads, block = kDim.
__global__ void __launch_bounds__(kDim)
    value_scales_kernel(const float* largest_of_parts, float* scales, int parts, int64_t heads) {
  const int64_t channel = int64_t{blockIdx.x} * kDim + threadIdx.x;
  float largest = 0;
#pragma unroll 16
  for (int part = 0; part < parts; ++part) {
    largest = device::larger_magnitude(largest, largest_of_parts[part * heads * kDim + channel]);
  }
  scales[channel] = numerics::e4m3_value_scale(largest);
}

constexpr int kThreads = 256;
constexpr int kTileRows = ops::kInt8RowTile;
constexpr int kGroupKeys = 16;
constexpr int kGroups = kTileRows / kGroupKeys;
constexpr int kWords = kGroupKeys / 4;  // of a channel
constexpr int kRunsAtOnce = 8;          // of a warp, with all words
constexpr int kGroupWarps = kDim / kRun / kRunsAtOnce;
constexpr int kGroupsAtOnce = kThreads / device::kWarpSize / kGroupWarps;
constexpr int kTurns = kGroups / kGroupsAtOnce;
static_assert(kRunsAtOnce * kWords == device::kWarpSize);

// The tile as it is written, but for the order of eight channels.
using TileShared = uint4[kGroups][kDim];

// So that the lanes of a warp, which have a word each of the same channel of different runs, meet
// no bank twice, nor do those that take eight neighbouring channels.
__device__ inline int place_of(int channel) { return channel ^ channel / kRun % kRun; }

// A thread's run of four keys that share a word: numerics::e4m3_value_at().
template <typename T>
struct FourKeys {
  RunOf<T> of_key[4];

  static __device__ constexpr int key(int i) { return i % 2 + i / 2 * 8; }

  __device__ void load(const T* first, int64_t step, int64_t rows_left) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      of_key[i] = {};
      if (key(i) < rows_left) {
        of_key[i] = *reinterpret_cast<const RunOf<T>*>(first + key(i) * step);
      }
    }
  }
  // A word for each channel; zeros of keys that do not exist.
  __device__ void quantise(const Floats& mean, const Floats& inverse, int64_t rows_left,
                           uint32_t (&low)[4], uint32_t (&high)[4]) const {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      Floats value;
      widen_run(of_key[i], value);
      uint32_t pairs[kRun / 2];
#pragma unroll
      for (int at = 0; at < kRun; at += 2) {
        pairs[at / 2] = device::pack_e4m3x2((value[at] - mean[at]) * inverse[at],
                                            (value[at + 1] - mean[at + 1]) * inverse[at + 1]);
      }
      const bool exists = key(i) < rows_left;
      low[i] = exists ? pairs[0] | pairs[1] << 16 : 0;
      high[i] = exists ? pairs[2] | pairs[3] << 16 : 0;
    }
    device::transpose_bytes(low);
    device::transpose_bytes(high);
  }
};

// grid = (heads, tiles of 128 padded rows), block = kThreads, shared = TileShared.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    e4m3_values_kernel(const T* x, const float* mean, const float* scales, uint8_t* numbers,
                       int64_t rows, int64_t padded_rows, int64_t heads) {
  const device::Shared<TileShared> shared;
  const int thread = static_cast<int>(threadIdx.x);
  const int warp = device::warp_in_block();
  const int run = warp % kGroupWarps * kRunsAtOnce + device::lane() % kRunsAtOnce;
  const int word = device::lane() / kRunsAtOnce;
  const int64_t head = blockIdx.x;
  // The last rows first: L2 still has them from the search for the largest.
  const int64_t first_row = int64_t{gridDim.y - 1 - blockIdx.y} * kTileRows;
  const int64_t column = head * kDim + run * kRun;
  const auto group_of = [&](int turn) { return turn * kGroupsAtOnce + warp / kGroupWarps; };
  const auto first_key = [&](int turn) {
    return first_row + group_of(turn) * kGroupKeys + 2 * word;
  };

  FourKeys<T> keys[kTurns];
#pragma unroll
  for (int turn = 0; turn < kTurns; ++turn) {
    keys[turn].load(x + first_key(turn) * heads * kDim + column, heads * kDim,
                    rows - first_key(turn));
  }
  Floats of_all, inverse;
  load_whole_run(mean + column, of_all);
  load_whole_run(scales + column, inverse);
#pragma unroll
  for (float& value : inverse) value = 1.0f / value;
#pragma unroll
  for (int turn = 0; turn < kTurns; ++turn) {
    uint32_t low[4], high[4];
    keys[turn].quantise(of_all, inverse, rows - first_key(turn), low, high);
    auto& group = (*shared)[group_of(turn)];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      reinterpret_cast<uint32_t*>(&group[place_of(run * kRun + i)])[word] = low[i];
      reinterpret_cast<uint32_t*>(&group[place_of(run * kRun + 4 + i)])[word] = high[i];
    }
  }
  device::sync_block();
  auto* const tile = reinterpret_cast<uint4*>(numbers + (head * padded_rows + first_row) * kDim);
#pragma unroll
  for (int chunk = thread; chunk < kGroups * kDim; chunk += kThreads) {
    tile[chunk] = (*shared)[chunk / kDim][place_of(chunk % kDim)];
  }
}

}  // namespace

void quantise_e4m3_values(const ops::PrepareValuesArgs& args, Stream stream) {
  const int64_t padded = ops::int8_padded(args.rows);
  const auto handle = static_cast<cudaStream_t>(stream.handle);
  const auto heads = static_cast<unsigned>(args.heads);
  const int64_t columns = args.heads * kDim;
  const int64_t column_blocks = part_column_blocks(columns);
  // As many as run at once. Until the numbers come, their memory has room for a part's magnitudes
  // for every four rows.
  const int64_t most_parts = std::clamp<int64_t>(processor_count() * kPartBlocks / column_blocks, 1,
                                                 padded / static_cast<int64_t>(sizeof(float)));
  const int64_t rounds = (args.rows + kPartRowsAtOnce - 1) / kPartRowsAtOnce;
  const int64_t rows_of_part = (rounds + most_parts - 1) / most_parts * kPartRowsAtOnce;
  const int64_t parts = (args.rows + rows_of_part - 1) / rows_of_part;
  auto* const largest = reinterpret_cast<float*>(args.e4m3);
  with_element_type(args.dtype, [&]<typename T>(T) {
    const T* const x = static_cast<const T*>(args.x);
    launch("largest_values", largest_values_kernel<T>,
           {.grid = dim3(static_cast<unsigned>(column_blocks), static_cast<unsigned>(parts)),
            .block = kPartThreads,
            .shared_bytes = sizeof(PartShared),
            .stream = handle},
           x, args.mean, largest, args.rows, rows_of_part, columns);
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
