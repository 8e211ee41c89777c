// SPDX-License-Identifier: Apache-2.0
// Ops on single elements. Bound by memory: every byte is read and written once, 16 bytes at a time
// where the addresses allow it, one element at a time elsewhere.
#include <cuda_runtime.h>

#include <cstdint>
#include <initializer_list>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {
namespace {

constexpr int kThreads = 256;
// Each thread reads this many neighbours: 16 bytes of bf16, 32 of f32.
constexpr int kRun = 8;

template <typename T>
struct alignas(16) Run {
  T at[kRun];
};

bool aligned(std::initializer_list<const void*> pointers) {
  for (const void* pointer : pointers) {
    if (reinterpret_cast<uintptr_t>(pointer) % 16 != 0) return false;
  }
  return true;
}

// grid covers `elements`, block = kThreads, no shared memory. kWide: all pointers are multiples of
// 16. `out` may be `x` when the types agree.
template <bool kWide, typename From, typename To>
__global__ void __launch_bounds__(kThreads) cast_kernel(const From* x, To* out, int64_t elements) {
  const int64_t begin = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kRun;
  if (kWide && begin + kRun <= elements) {
    const Run<From> from = *reinterpret_cast<const Run<From>*>(x + begin);
    Run<To> to;
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      device::store_from_float(to.at[i], device::load_as_float(from.at[i]));
    }
    *reinterpret_cast<Run<To>*>(out + begin) = to;
    return;
  }
  for (int64_t at = begin; at < begin + kRun && at < elements; ++at) {
    device::store_from_float(out[at], device::load_as_float(x[at]));
  }
}

// As cast_kernel; `out` may be `a` or `b`.
template <bool kWide, typename T>
__global__ void __launch_bounds__(kThreads)
    add_kernel(const T* a, const T* b, T* out, int64_t elements) {
  const int64_t begin = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kRun;
  if (kWide && begin + kRun <= elements) {
    const Run<T> left = *reinterpret_cast<const Run<T>*>(a + begin);
    const Run<T> right = *reinterpret_cast<const Run<T>*>(b + begin);
    Run<T> sum;
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      device::store_from_float(
          sum.at[i], device::load_as_float(left.at[i]) + device::load_as_float(right.at[i]));
    }
    *reinterpret_cast<Run<T>*>(out + begin) = sum;
    return;
  }
  for (int64_t at = begin; at < begin + kRun && at < elements; ++at) {
    device::store_from_float(out[at], device::load_as_float(a[at]) + device::load_as_float(b[at]));
  }
}

LaunchShape shape_for(int64_t elements, Stream stream) {
  constexpr int64_t kPerBlock = int64_t{kThreads} * kRun;
  return {.grid = dim3(static_cast<unsigned>((elements + kPerBlock - 1) / kPerBlock)),
          .block = kThreads,
          .stream = static_cast<cudaStream_t>(stream.handle)};
}

}  // namespace

void cast(const ops::CastArgs& args, Stream stream) {
  if (args.elements == 0) return;
  const bool wide = aligned({args.x, args.out});
  with_element_type(args.x_dtype, [&]<typename From>(From) {
    with_element_type(args.dtype, [&]<typename To>(To) {
      launch("cast", wide ? cast_kernel<true, From, To> : cast_kernel<false, From, To>,
             shape_for(args.elements, stream), static_cast<const From*>(args.x),
             static_cast<To*>(args.out), args.elements);
    });
  });
}

void add(const ops::AddArgs& args, Stream stream) {
  if (args.elements == 0) return;
  const bool wide = aligned({args.a, args.b, args.out});
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch("add", wide ? add_kernel<true, T> : add_kernel<false, T>,
           shape_for(args.elements, stream), static_cast<const T*>(args.a),
           static_cast<const T*>(args.b), static_cast<T*>(args.out), args.elements);
  });
}

}  // namespace reel::cuda
