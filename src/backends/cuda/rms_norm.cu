// SPDX-License-Identifier: Apache-2.0
// RMS norm of whole rows, with or without rotation of pairs. Bound by memory: x is read twice, the
// second time from L1 or L2, and written once. Pointers are multiples of 16 where kRun is 8.
#include <cuda_runtime.h>

#include "backends/cuda/device/block.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {
namespace {

constexpr int kThreads = 256;
using Partial = float[kThreads / device::kWarpSize];  // one sum per warp
// Neighbours a thread takes at a time; two are the least a rotation needs.
constexpr int kWideRun = 8;
constexpr int kNarrowRun = 2;

template <typename T>
struct alignas(16) Run {
  T at[kWideRun];
};

// Elements [col, col + kRun) of a row as f32; zeros beyond its end.
template <int kRun, typename T>
__device__ void load_run(const T* row, int64_t col, int64_t width, float (&values)[kRun]) {
  if constexpr (kRun == kWideRun) {
    const Run<T> run = *reinterpret_cast<const Run<T>*>(row + col);
#pragma unroll
    for (int i = 0; i < kRun; ++i) values[i] = device::load_as_float(run.at[i]);
  } else {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      values[i] = col + i < width ? device::load_as_float(row[col + i]) : 0;
    }
  }
}

template <int kRun, typename T>
__device__ void store_run(T* row, int64_t col, int64_t width, const float (&values)[kRun]) {
  if constexpr (kRun == kWideRun) {
    Run<T> run;
#pragma unroll
    for (int i = 0; i < kRun; ++i) device::store_from_float(run.at[i], values[i]);
    *reinterpret_cast<Run<T>*>(row + col) = run;
  } else {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      if (col + i < width) device::store_from_float(row[col + i], values[i]);
    }
  }
}

// Pairs of neighbours turn by their angles: cos, sin, cos, sin, ...
template <int kRun>
__device__ void rotate_pairs(float (&values)[kRun], const float* angles) {
#pragma unroll
  for (int i = 0; i < kRun; i += 2) {
    const float a = values[i];
    const float b = values[i + 1];
    values[i] = a * angles[i] - b * angles[i + 1];
    values[i + 1] = a * angles[i + 1] + b * angles[i];
  }
}

// One block per row. grid = rows, block = kThreads, shared = Partial. In place is safe: a thread
// writes only what it alone reads. kRun = kWideRun: width and head_dim are multiples of it.
template <int kRun, typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    rms_norm_kernel(const From* x, const float* weight, float eps, const float* rope, int head_dim,
                    To* out, int64_t width) {
  const device::Shared<Partial> partial;
  const int64_t row = blockIdx.x;
  x += row * width;
  out += row * width;
  const int64_t first = int64_t{threadIdx.x} * kRun;
  constexpr int64_t kStep = int64_t{kThreads} * kRun;

  float sum_squares = 0;
  for (int64_t col = first; col < width; col += kStep) {
    float values[kRun];
    load_run(x, col, width, values);
#pragma unroll
    for (int i = 0; i < kRun; ++i) sum_squares += values[i] * values[i];
  }
  const float sum = device::block_sum<kThreads>(sum_squares, *partial);
  const float inv_rms = 1 / sqrtf(sum / static_cast<float>(width) + eps);

  for (int64_t col = first; col < width; col += kStep) {
    float values[kRun];
    float scale[kRun];
    load_run(x, col, width, values);
    load_run(weight, col, width, scale);
#pragma unroll
    for (int i = 0; i < kRun; ++i) values[i] *= inv_rms * scale[i];
    if (rope != nullptr) {
      float angles[kRun];
      load_run(rope + row * head_dim, static_cast<int>(col) % head_dim, head_dim, angles);
      rotate_pairs(values, angles);
    }
    store_run(out, col, width, values);
  }
}

template <int kRun, typename From, typename To>
void launch_rms_norm(const ops::RmsNormArgs& args, Stream stream) {
  launch("rms_norm", rms_norm_kernel<kRun, From, To>,
         {.grid = dim3(static_cast<unsigned>(args.rows)),
          .block = kThreads,
          .shared_bytes = sizeof(Partial),
          .stream = static_cast<cudaStream_t>(stream.handle)},
         static_cast<const From*>(args.x), args.weight, args.eps, args.rope,
         static_cast<int>(args.head_dim), static_cast<To*>(args.out), args.width);
}

// Whether rows can be taken in runs of 16 bytes and more.
bool is_wide(const ops::RmsNormArgs& args) {
  const auto addresses =
      reinterpret_cast<uintptr_t>(args.x) | reinterpret_cast<uintptr_t>(args.out) |
      reinterpret_cast<uintptr_t>(args.weight) | reinterpret_cast<uintptr_t>(args.rope);
  return addresses % 16 == 0 && args.width % kWideRun == 0 && args.head_dim % kWideRun == 0;
}

}  // namespace

void rms_norm(const ops::RmsNormArgs& args, Stream stream) {
  if (args.rows == 0 || args.width == 0) return;
  const bool wide = is_wide(args);
  with_element_type(args.x_dtype, [&]<typename From>(From) {
    with_element_type(args.dtype, [&]<typename To>(To) {
      if (wide) return launch_rms_norm<kWideRun, From, To>(args, stream);
      launch_rms_norm<kNarrowRun, From, To>(args, stream);
    });
  });
}

}  // namespace reel::cuda
