// SPDX-License-Identifier: Apache-2.0
// Convolution of f32 frames with f32 products and sums: the path that others are measured against.
// Bound by load instructions: nine loads for 32 multiply-adds.
#include <cuda_runtime.h>

#include "backends/cuda/conv_job.h"
#include "backends/cuda/conv_layout.h"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kPixels = 8;  // neighbours in a row that a thread computes
constexpr int kOut = kExactConvOut;

struct Sums {
  float at[kPixels][kOut];
};

// Adds the products of one row of one frame, seen through one kernel row and column.
__device__ void add_position(const ConvJob& job, const float* row, int first_col,
                             const float* weight, Sums& sums) {
  const int padded_out = (job.out_channels + kOut - 1) / kOut * kOut;
  for (int channel = 0; channel < job.in_channels; ++channel) {
    const float4 w = *reinterpret_cast<const float4*>(weight + int64_t{channel} * padded_out);
#pragma unroll
    for (int pixel = 0; pixel < kPixels; ++pixel) {
      const int col = first_col + pixel;
      if (col < 0 || col >= job.cols) continue;
      const float x = row[int64_t{col} * job.in_channels + channel];
      sums.at[pixel][0] += x * w.x;
      sums.at[pixel][1] += x * w.y;
      sums.at[pixel][2] += x * w.z;
      sums.at[pixel][3] += x * w.w;
    }
  }
}

template <typename Out>
__device__ void store_pixels(const ConvJob& job, int row, int first_col, int first_out,
                             const Sums& sums) {
#pragma unroll
  for (int pixel = 0; pixel < kPixels; ++pixel) {
    const int col = first_col + pixel;
    if (col >= job.cols) continue;
    const int64_t start = (int64_t{row} * job.cols + col) * job.out_channels;
#pragma unroll
    for (int i = 0; i < kOut; ++i) {
      const int out = first_out + i;
      if (out >= job.out_channels) continue;
      float y = sums.at[pixel][i];
      if (job.bias != nullptr) y += job.bias[out];
      if (job.residual != nullptr) {
        y += device::load_as_float(static_cast<const Out*>(job.residual)[start + out]);
      }
      if (job.relu && y < 0) y = 0;
      device::store_from_float(static_cast<Out*>(job.out)[start + out], y);
    }
  }
}

// A thread computes kOut channels of kPixels pixels. grid = (channels and pixels of a row, rows),
// block = kThreads, no shared memory.
template <typename Out>
__global__ void __launch_bounds__(kThreads) conv_exact_kernel(ConvJob job) {
  const int quads = (job.out_channels + kOut - 1) / kOut;
  const int at = static_cast<int>(blockIdx.y * kThreads + threadIdx.x);
  const int first_out = at % quads * kOut;
  const int first_col = at / quads * kPixels;
  const int row = job.row_begin + static_cast<int>(blockIdx.x);
  if (first_col >= job.cols) return;

  Sums sums = {};
  const int64_t position_elements = int64_t{job.in_channels} * quads * kOut;
#pragma unroll
  for (int tap = 0; tap < ops::ConvArgs::kMostTaps; ++tap) {
    if (tap >= job.taps || job.frames[tap] == nullptr) continue;
    const auto* frame = static_cast<const float*>(job.frames[tap]);
    for (int kernel_row = 0; kernel_row < job.kernel_rows; ++kernel_row) {
      const int from_row = row + kernel_row - job.kernel_rows / 2;
      if (from_row < 0 || from_row >= job.rows) continue;
      for (int kernel_col = 0; kernel_col < job.kernel_cols; ++kernel_col) {
        const int64_t position =
            (int64_t{job.first_tap + tap} * job.kernel_rows + kernel_row) * job.kernel_cols +
            kernel_col;
        add_position(
            job, frame + int64_t{from_row} * job.cols * job.in_channels,
            first_col + kernel_col - job.kernel_cols / 2,
            static_cast<const float*>(job.weight) + position * position_elements + first_out, sums);
      }
    }
  }
  store_pixels<Out>(job, row, first_col, first_out, sums);
}

// One thread per packed element. grid covers them, block = kThreads, no shared memory.
__global__ void __launch_bounds__(kThreads)
    pack_conv_exact_kernel(const float* from, ConvShape shape, ConvOrder order, float* to) {
  const int64_t window = shape.kernel_rows * shape.kernel_cols;
  const int64_t padded_out = (shape.out_channels + kOut - 1) / kOut * kOut;
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= shape.taps * window * shape.in_channels * padded_out) return;
  const int64_t out = at % padded_out;
  const int64_t in = at / padded_out % shape.in_channels;
  const int64_t place = at / padded_out / shape.in_channels;  // tap and position
  to[at] = out < shape.out_channels
               ? from[order.first + out * order.out_stride + in * order.in_stride +
                      place / window * order.tap_stride + place % window]
               : 0;
}

}  // namespace

void conv_exact(const ConvJob& job, DType out_dtype, Stream stream) {
  const int quads = (job.out_channels + kOut - 1) / kOut;
  const int runs = (job.cols + kPixels - 1) / kPixels;
  const dim3 grid(static_cast<unsigned>(job.row_end - job.row_begin),
                  static_cast<unsigned>((quads * runs + kThreads - 1) / kThreads));
  with_element_type(out_dtype, [&]<typename Out>(Out) {
    launch("conv_exact", conv_exact_kernel<Out>,
           {.grid = grid, .block = kThreads, .stream = static_cast<cudaStream_t>(stream.handle)},
           job);
  });
}

void pack_conv_exact(const ops::PackConvArgs& args, Stream stream) {
  const ConvShape& shape = args.shape;
  const int64_t padded_out = (shape.out_channels + kOut - 1) / kOut * kOut;
  const int64_t elements =
      shape.taps * shape.kernel_rows * shape.kernel_cols * shape.in_channels * padded_out;
  launch("pack_conv_exact", pack_conv_exact_kernel,
         {.grid = dim3(static_cast<unsigned>((elements + kThreads - 1) / kThreads)),
          .block = kThreads,
          .stream = static_cast<cudaStream_t>(stream.handle)},
         args.from, shape, conv_order(shape, args.newest_first), static_cast<float*>(args.to));
}

}  // namespace reel::cuda
