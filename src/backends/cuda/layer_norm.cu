// SPDX-License-Identifier: Apache-2.0
// Layer norm with scale and shift, to floats or to rows of 8 bits. Bound by memory: reads x
// once and writes once; a row stays in registers. scale and shift come from L2 for each row.
#include <cuda_runtime.h>

#include "backends/cuda/device/approx.cuh"
#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/row_blocks.h"
#include "backends/cuda/row_runs.cuh"

namespace reel::cuda {
namespace {

struct NormArgs {
  const float* x;
  const float* scale;
  const float* shift;
  float scale_offset;
  float eps;
  void* out;
  float* out_scale;
  int64_t width;
  bool whole;  // all pointers and the width allow 16-byte accesses
};

template <int kThreads>
__device__ inline int64_t start_of(int run) {
  return int64_t{run * kThreads + static_cast<int>(threadIdx.x)} * kRun;
}

// Less its mean; answers the variance. Columns from `width` on are left as they are.
template <int kThreads, int kRuns>
__device__ inline float centre(float (&x)[kRuns][kRun], int64_t width,
                               float (&partial)[kThreads / device::kWarpSize]) {
  float sum = 0;
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) sum += x[run][i];
  }
  const float mean = device::block_sum<kThreads>(sum, partial) / static_cast<float>(width);
  float squares = 0;
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      if (start_of<kThreads>(run) + i >= width) continue;
      x[run][i] -= mean;
      squares = fmaf(x[run][i], x[run][i], squares);
    }
  }
  return device::block_sum<kThreads>(squares, partial) / static_cast<float>(width);
}

// One block per row. grid = rows, block = kThreads, shared = one float per warp.
// Out: float, Half or BF16; or the kind of 8-bit rows.
template <typename Out, int kThreads, int kRuns>
__global__ void __launch_bounds__(kThreads) layer_norm_kernel(NormArgs args) {
  const device::Shared<float[kThreads / device::kWarpSize]> partial;
  const int64_t row = blockIdx.x;
  const float* x = args.x + row * args.width;

  float values[kRuns][kRun];
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
    load_run(x, start_of<kThreads>(run), args.width, args.whole, values[run]);
  }
  const float variance = centre<kThreads>(values, args.width, *partial);
  const float inverse_deviation = 1.0f / sqrtf(variance + args.eps);

  float amax = 0;
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
    float scale[kRun];
    float shift[kRun];
    load_run(args.scale, start_of<kThreads>(run), args.width, args.whole, scale);
    load_run(args.shift, start_of<kThreads>(run), args.width, args.whole, shift);
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      const float factor = inverse_deviation * (args.scale_offset + scale[i]);
      values[run][i] = fmaf(values[run][i], factor, shift[i]);
    }
    if constexpr (is_scaled_rows<Out>) {
      Out::prepare(values[run]);
      amax = numerics::larger_magnitude(amax, amax_of_run(values[run]));
    } else {
      store_run(static_cast<Out*>(args.out) + row * args.width, start_of<kThreads>(run), args.width,
                args.whole, values[run]);
    }
  }
  if constexpr (is_scaled_rows<Out>) {
    auto* out = static_cast<typename Out::Number*>(args.out) + row * args.width;
    const float scale = Out::scale(device::block_amax<kThreads>(amax, *partial));
    if (threadIdx.x == 0) args.out_scale[row] = scale;
    const float inverse_scale = 1.0f / scale;
#pragma unroll
    for (int run = 0; run < kRuns; ++run) {
      const int64_t at = start_of<kThreads>(run);
      if (at < args.width) Out::store(values[run], inverse_scale, out + at);
    }
  }
}

template <typename Out>
void launch_layer_norm(const ops::LayerNormArgs& args, Stream stream) {
  const bool whole = whole_runs(args.x, args.width) && whole_runs(args.scale, args.width) &&
                     whole_runs(args.shift, args.width) && whole_runs(args.out, args.width);
  with_row_block(args.width, [&](auto threads, auto runs) {
    constexpr int kThreads = threads;
    launch("layer_norm", layer_norm_kernel<Out, kThreads, runs>,
           {.grid = dim3(static_cast<unsigned>(args.rows)),
            .block = dim3(kThreads),
            .shared_bytes = sizeof(float) * kThreads / device::kWarpSize,
            .stream = static_cast<cudaStream_t>(stream.handle)},
           NormArgs{.x = args.x,
                    .scale = args.scale,
                    .shift = args.shift,
                    .scale_offset = args.scale_offset,
                    .eps = args.eps,
                    .out = args.out,
                    .out_scale = args.out_scale,
                    .width = args.width,
                    .whole = whole});
  });
}

}  // namespace

void layer_norm(const ops::LayerNormArgs& args, Stream stream) {
  if (args.rows == 0) return;
  if (has_row_scales(args.dtype)) {
    return with_scaled_rows(args.dtype,
                            [&]<typename Rows>(Rows) { launch_layer_norm<Rows>(args, stream); });
  }
  with_element_type(args.dtype, [&]<typename Out>(Out) { launch_layer_norm<Out>(args, stream); });
}

}  // namespace reel::cuda
