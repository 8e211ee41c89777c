// SPDX-License-Identifier: Apache-2.0
// Layer norm with scale and shift, to floats or, by the kernel of scaled_rows.cuh, to rows of 8
// bits. Bound by memory: reads x once and writes once; a row stays in registers. scale and shift
// come from L1 or L2 for each row, for 8 bits for two.
#include <cuda_runtime.h>

#include "backends/cuda/device/approx.cuh"
#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/row_blocks.h"
#include "backends/cuda/row_runs.cuh"
#include "backends/cuda/scaled_rows.cuh"
#include "backends/cuda/warp_numbers.cuh"

namespace reel::cuda {
namespace {

struct NormArgs {
  const float* x;
  const float* scale;
  const float* shift;
  float scale_offset;
  float eps;
  void* out;
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
// Out: float, Half or BF16.
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
    store_run(static_cast<Out*>(args.out) + row * args.width, start_of<kThreads>(run), args.width,
              args.whole, values[run]);
  }
}

// x on its way to rows of 8 bits: 16-byte aligned, as are scale and shift.
struct NormedRows : WarpNumbers<float, RunFloats, widen_run> {
  // Four lanes read of a line of scale and shift; runs together would take a line each.
  template <typename>
  static constexpr RunOrder kOrder = RunOrder::kSpread;
  static constexpr bool kTwoRows = true;

  NormArgs args;
  float inverse_width;

  // Takes the mean away; answers 1 / deviation.
  template <int kRows>
  __device__ void centre_rows(LaneRuns (&x)[kRows], int width, RowReduction<kRows>& reduce,
                              float (&inverse_deviation)[kRows]) const {
    float mean[kRows];
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
      mean[row] = 0;
#pragma unroll
      for (const auto& run : x[row]) {
#pragma unroll
        for (const float value : run) mean[row] += value;
      }
    }
    reduce.sum(mean, 2);
    float squares[kRows];
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
      mean[row] *= inverse_width;
#pragma unroll
      for (auto& run : x[row]) {
#pragma unroll
        for (float& value : run) value -= mean[row];
      }
      if (width < kWarpColumns) clear_beyond<RunOrder::kSpread>(width, x[row]);
      squares[row] = 0;
#pragma unroll
      for (const auto& run : x[row]) {
#pragma unroll
        for (const float value : run) squares[row] = fmaf(value, value, squares[row]);
      }
    }
    reduce.sum(squares, 3);
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
      inverse_deviation[row] = device::rsqrt(squares[row] * inverse_width + args.eps);
    }
  }

  template <typename Rows, int kRows>
  __device__ void transform(LaneRuns (&x)[kRows], const float (&)[kRows], int first_column,
                            int width, RowReduction<kRows>& reduce) const {
    constexpr RunOrder kSpread = RunOrder::kSpread;
    float inverse_deviation[kRows];
    centre_rows(x, width, reduce, inverse_deviation);
    // One address for all runs, which are multiples apart.
    const int first_run = column_of_run<kSpread>(0);
    const float* const scales = args.scale + first_column + first_run;
    const float* const shifts = args.shift + first_column + first_run;
#pragma unroll
    for (int run = 0; run < kLaneRuns; ++run) {
      const int column = column_of_run<kSpread>(run);
      RunFloats scale = {};
      RunFloats shift = {};
      if (column < width) {
        load_whole_run(scales + (column - first_run), scale);
        load_whole_run(shifts + (column - first_run), shift);
      }
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        const float of_column = args.scale_offset + scale[i];
#pragma unroll
        for (int row = 0; row < kRows; ++row) {
          x[row][run][i] = fmaf(x[row][run][i], inverse_deviation[row] * of_column, shift[i]);
        }
      }
    }
    if (width >= kWarpColumns) return;
#pragma unroll
    for (auto& row : x) clear_beyond<kSpread>(width, row);
  }
};

NormArgs norm_args(const ops::LayerNormArgs& args) {
  return {.x = args.x,
          .scale = args.scale,
          .shift = args.shift,
          .scale_offset = args.scale_offset,
          .eps = args.eps,
          .out = args.out,
          .width = args.width,
          .whole = whole_runs(args.x, args.width) && whole_runs(args.scale, args.width) &&
                   whole_runs(args.shift, args.width) && whole_runs(args.out, args.width)};
}

template <typename Out>
void launch_layer_norm(const ops::LayerNormArgs& args, Stream stream) {
  with_row_block(args.width, [&](auto threads, auto runs) {
    constexpr int kThreads = threads;
    launch("layer_norm", layer_norm_kernel<Out, kThreads, runs>,
           {.grid = dim3(static_cast<unsigned>(args.rows)),
            .block = dim3(kThreads),
            .shared_bytes = sizeof(float) * kThreads / device::kWarpSize,
            .stream = static_cast<cudaStream_t>(stream.handle)},
           norm_args(args));
  });
}

}  // namespace

void layer_norm(const ops::LayerNormArgs& args, Stream stream) {
  if (args.rows == 0) return;
  if (!has_row_scales(args.dtype)) {
    return with_element_type(args.dtype,
                             [&]<typename Out>(Out) { launch_layer_norm<Out>(args, stream); });
  }
  const NormedRows source{{.numbers = args.x, .row_width = args.width},
                          norm_args(args),
                          1.0f / static_cast<float>(args.width)};
  REEL_REQUIRE(source.args.whole, kInternal,
               "rows of layer norm to 8 bits start at multiples of 16 bytes.");
  const ScaledRows out{.numbers = args.out,
                       .scales = args.out_scale,
                       .rows = args.rows,
                       .width = static_cast<int>(args.width)};
  const auto cuda_stream = static_cast<cudaStream_t>(stream.handle);
  if (args.dtype == DType::kI8) {
    return launch_scaled_rows<TensorInt8Runs<Half>>("layer_norm", source, out, cuda_stream);
  }
  launch_scaled_rows<ScaledE4M3Runs>("layer_norm", source, out, cuda_stream);
}

}  // namespace reel::cuda
