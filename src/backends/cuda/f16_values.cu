// SPDX-License-Identifier: Apache-2.0
// From projections to the f16 values of 8-bit attention, less their mean, which e4m3 ones are made
// with, too. Bound by memory: x is
// read once, 16 bytes at a time, and 1/16 of it before for the mean; every result is written once.
// x and all results start at multiples of 16 bytes.
#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/head_means.cuh"
#include "backends/cuda/head_norm.cuh"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/row_runs.cuh"

namespace reel::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTileRows = ops::kInt8KeyTile;
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

}  // namespace

void prepare_values(const ops::PrepareValuesArgs& args, Stream stream) {
  void* const parts = args.e4m3 != nullptr ? static_cast<void*>(args.e4m3) : args.numbers;
  launch_mean<false>("mean_of_values", args, {}, parts, stream);
  if (args.e4m3 != nullptr) return quantise_e4m3_values(args, stream);
  const int64_t padded = ops::int8_padded(args.rows);
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch(
        "prepare_values", centre_values_kernel<T>,
        {.grid = dim3(static_cast<unsigned>(args.heads), static_cast<unsigned>(padded / kTileRows)),
         .block = kThreads,
         .stream = static_cast<cudaStream_t>(stream.handle)},
        static_cast<const T*>(args.x), args.mean, args.numbers, args.rows, padded, args.heads);
  });
}

}  // namespace reel::cuda
