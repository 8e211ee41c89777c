// SPDX-License-Identifier: Apache-2.0
// L2 norm of pixels. Bound by memory: every byte is read and written once where a row fits the
// registers of a quarter, half or whole warp, as the rows of the decoder do; other rows are read
// twice, the second time from L1. Pointers are multiples of 16 in the fast kernel.
#include <cuda_runtime.h>

#include <algorithm>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/math.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {
namespace {

constexpr int kThreads = 256;
constexpr float kSmallestNorm = 1e-12f;
// A lane holds this many runs of 16 bytes: 96, 192 and 384 channels fill 4, 8 and 16 lanes of
// 16-bit numbers and twice as many of f32 exactly.
constexpr int kRuns = 3;

template <typename T>
constexpr int kRun = 16 / sizeof(T);

template <typename T, int kCount>
struct alignas(kCount * sizeof(T) < 16 ? kCount * sizeof(T) : 16) Run {
  T at[kCount];
};

// Adds over groups of kLanes neighbours; every lane gets the sum of its group.
template <int kLanes>
__device__ float group_sum(float value) {
#pragma unroll
  for (int mask = kLanes / 2; mask > 0; mask /= 2) value += device::shuffle_xor(value, mask);
  return value;
}

template <typename To>
__device__ void store_normed(To& out, float x, float factor, float gamma, bool with_silu) {
  const float y = x * factor * gamma;
  device::store_from_float(out, with_silu ? device::silu(y) : y);
}

// kLanes lanes take a row of `runs` <= kLanes * kRuns runs. grid covers rows, block = kThreads, no
// shared memory. In place is safe: a lane writes only what it alone has read.
template <int kLanes, typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    l2_norm_kernel(const From* x, const float* gamma, bool silu, To* out, int64_t rows, int runs) {
  constexpr int kWidth = kRun<From>;
  const int64_t row = int64_t{blockIdx.x} * (kThreads / kLanes) + threadIdx.x / kLanes;
  const int lane_in_row = static_cast<int>(threadIdx.x) % kLanes;
  const int64_t start = row * runs * kWidth;

  Run<From, kWidth> held[kRuns] = {};
  float sum_squares = 0;
#pragma unroll
  for (int i = 0; i < kRuns; ++i) {
    const int run = i * kLanes + lane_in_row;
    if (row >= rows || run >= runs) continue;
    held[i] = *reinterpret_cast<const Run<From, kWidth>*>(x + start + run * kWidth);
#pragma unroll
    for (int at = 0; at < kWidth; ++at) {
      const float value = device::load_as_float(held[i].at[at]);
      sum_squares += value * value;
    }
  }
  const float norm = sqrtf(group_sum<kLanes>(sum_squares));
  const float factor = sqrtf(static_cast<float>(runs * kWidth)) / fmaxf(norm, kSmallestNorm);

#pragma unroll
  for (int i = 0; i < kRuns; ++i) {
    const int run = i * kLanes + lane_in_row;
    if (row >= rows || run >= runs) continue;
    Run<To, kWidth> normed;
#pragma unroll
    for (int at = 0; at < kWidth; ++at) {
      store_normed(normed.at[at], device::load_as_float(held[i].at[at]), factor,
                   gamma[run * kWidth + at], silu);
    }
    *reinterpret_cast<Run<To, kWidth>*>(out + start + run * kWidth) = normed;
  }
}

// Any width and alignment: a warp takes a row. grid covers rows, block = kThreads, no shared
// memory.
template <typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    l2_norm_any_kernel(const From* x, const float* gamma, bool silu, To* out, int64_t rows,
                       int64_t width) {
  const int64_t row =
      int64_t{blockIdx.x} * (kThreads / device::kWarpSize) + device::warp_in_block();
  if (row >= rows) return;
  x += row * width;
  out += row * width;
  float sum_squares = 0;
  for (int64_t col = device::lane(); col < width; col += device::kWarpSize) {
    const float value = device::load_as_float(x[col]);
    sum_squares += value * value;
  }
  const float norm = sqrtf(device::warp_sum(sum_squares));
  const float factor = sqrtf(static_cast<float>(width)) / fmaxf(norm, kSmallestNorm);
  for (int64_t col = device::lane(); col < width; col += device::kWarpSize) {
    store_normed(out[col], device::load_as_float(x[col]), factor, gamma[col], silu);
  }
}

LaunchShape shape_for(int64_t rows, int64_t rows_per_block, Stream stream) {
  return {.grid = dim3(static_cast<unsigned>((rows + rows_per_block - 1) / rows_per_block)),
          .block = kThreads,
          .stream = static_cast<cudaStream_t>(stream.handle)};
}

template <int kLanes, typename From, typename To>
void launch_l2_norm(const ops::L2NormArgs& args, Stream stream) {
  launch("l2_norm", l2_norm_kernel<kLanes, From, To>,
         shape_for(args.rows, kThreads / kLanes, stream), static_cast<const From*>(args.x),
         args.gamma, args.silu, static_cast<To*>(args.out), args.rows,
         static_cast<int>(args.width / kRun<From>));
}

template <typename From, typename To>
void launch_l2_norm_any(const ops::L2NormArgs& args, Stream stream) {
  launch("l2_norm", l2_norm_any_kernel<From, To>,
         shape_for(args.rows, kThreads / device::kWarpSize, stream),
         static_cast<const From*>(args.x), args.gamma, args.silu, static_cast<To*>(args.out),
         args.rows, args.width);
}

template <typename From, typename To>
void l2_norm_of(const ops::L2NormArgs& args, Stream stream) {
  const auto addresses =
      reinterpret_cast<uintptr_t>(args.x) | reinterpret_cast<uintptr_t>(args.out);
  const bool wide = addresses % 16 == 0 && args.width % kRun<From> == 0;
  const int64_t lanes = (args.width / kRun<From> + kRuns - 1) / kRuns;
  if (!wide || lanes > device::kWarpSize) return launch_l2_norm_any<From, To>(args, stream);
  if (lanes > 16) return launch_l2_norm<32, From, To>(args, stream);
  if (lanes > 8) return launch_l2_norm<16, From, To>(args, stream);
  if (lanes > 4) return launch_l2_norm<8, From, To>(args, stream);
  launch_l2_norm<4, From, To>(args, stream);
}

}  // namespace

void l2_norm(const ops::L2NormArgs& args, Stream stream) {
  if (args.rows == 0 || args.width == 0) return;
  with_element_type(args.x_dtype, [&]<typename From>(From) {
    with_element_type(args.dtype, [&]<typename To>(To) { l2_norm_of<From, To>(args, stream); });
  });
}

}  // namespace reel::cuda
