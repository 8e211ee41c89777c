// SPDX-License-Identifier: Apache-2.0
// Rows of 8 bits with a scale each. Bound by memory: reads x once, writes a byte for each number; a
// row stays in registers between the rotation, its maximum and the rounding. x and out are
// multiples of 16.
#include <cuda_runtime.h>

#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/row_blocks.h"
#include "backends/cuda/row_runs.cuh"

namespace reel::cuda {
namespace {

// One block per row. grid = rows, block = kThreads, shared = one float per warp.
template <typename T, typename Rows, int kThreads, int kRuns>
__global__ void __launch_bounds__(kThreads)
    quantise_rows_kernel(const T* x, typename Rows::Number* out, float* scales, int64_t width) {
  const device::Shared<float[kThreads / device::kWarpSize]> partial;
  const int64_t row = blockIdx.x;
  x += row * width;
  out += row * width;

  float values[kRuns][kRun];
  float amax = 0;
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
    const int64_t at = int64_t{run * kThreads + static_cast<int>(threadIdx.x)} * kRun;
    load_run(x, at, width, true, values[run]);
  }
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
    Rows::prepare(values[run]);
    amax = numerics::larger_magnitude(amax, amax_of_run(values[run]));
  }
  const float scale = Rows::scale(device::block_amax<kThreads>(amax, *partial));
  if (threadIdx.x == 0) scales[row] = scale;
  const float inverse_scale = 1.0f / scale;
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
    const int64_t at = int64_t{run * kThreads + static_cast<int>(threadIdx.x)} * kRun;
    if (at < width) Rows::store(values[run], inverse_scale, out + at);
  }
}

}  // namespace

void quantise_rows(const ops::QuantiseRowsArgs& args, Stream stream) {
  if (args.rows == 0) return;
  with_element_type(args.dtype, [&]<typename T>(T) {
    with_scaled_rows(args.to_dtype, [&]<typename Rows>(Rows) {
      with_row_block(args.width, [&](auto threads, auto runs) {
        constexpr int kThreads = threads;
        launch("quantise_rows", quantise_rows_kernel<T, Rows, kThreads, runs>,
               {.grid = dim3(static_cast<unsigned>(args.rows)),
                .block = dim3(kThreads),
                .shared_bytes = sizeof(float) * kThreads / device::kWarpSize,
                .stream = static_cast<cudaStream_t>(stream.handle)},
               static_cast<const T*>(args.x), static_cast<typename Rows::Number*>(args.out),
               args.scales, args.width);
      });
    });
  });
}

}  // namespace reel::cuda
