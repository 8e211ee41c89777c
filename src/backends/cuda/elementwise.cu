// SPDX-License-Identifier: Apache-2.0
// Ops on single elements. Bound by memory: every byte is read and written once, 16 bytes at a time
// where the addresses allow it, one element at a time elsewhere.
#include <cuda_runtime.h>

#include <cstdint>
#include <initializer_list>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/math.cuh"
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

template <typename T>
__device__ void store_gated(T& out, const T& gate, const T& up) {
  device::store_from_float(
      out, device::gelu_tanh(device::load_as_float(gate)) * device::load_as_float(up));
}

// As cast_kernel; `out` may be `gate` or `up`.
template <bool kWide, typename T>
__global__ void __launch_bounds__(kThreads)
    gated_gelu_kernel(const T* gate, const T* up, T* out, int64_t elements) {
  const int64_t begin = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kRun;
  if (kWide && begin + kRun <= elements) {
    const Run<T> gates = *reinterpret_cast<const Run<T>*>(gate + begin);
    const Run<T> ups = *reinterpret_cast<const Run<T>*>(up + begin);
    Run<T> products;
#pragma unroll
    for (int i = 0; i < kRun; ++i) store_gated(products.at[i], gates.at[i], ups.at[i]);
    *reinterpret_cast<Run<T>*>(out + begin) = products;
    return;
  }
  for (int64_t at = begin; at < begin + kRun && at < elements; ++at) {
    store_gated(out[at], gate[at], up[at]);
  }
}

// A pixel is `units` of Unit. grid = (rows of x, blocks over a row's cols * units), block =
// kThreads, no shared memory. Reads every byte once and writes it four times.
template <typename Unit>
__global__ void __launch_bounds__(kThreads)
    upsample2x_kernel(const Unit* x, Unit* out, int64_t cols, int64_t units) {
  const int64_t at = int64_t{blockIdx.y} * kThreads + threadIdx.x;
  if (at >= cols * units) return;
  const int64_t row_units = cols * units;
  const int64_t unit = static_cast<uint32_t>(at) % static_cast<uint32_t>(units);
  const Unit value = x[int64_t{blockIdx.x} * row_units + at];
  // Column c goes to columns 2c and 2c + 1 of two rows twice as long.
  Unit* above = out + int64_t{blockIdx.x} * 4 * row_units + 2 * at - unit;
  Unit* below = above + 2 * row_units;
  above[0] = value;
  above[units] = value;
  below[0] = value;
  below[units] = value;
}

template <typename Unit>
void launch_upsample2x(const ops::Upsample2xArgs& args, Stream stream) {
  const int64_t units =
      storage_bytes(args.dtype, args.channels) / static_cast<int64_t>(sizeof(Unit));
  const int64_t blocks = (args.cols * units + kThreads - 1) / kThreads;
  launch("upsample2x", upsample2x_kernel<Unit>,
         {.grid = dim3(static_cast<unsigned>(args.rows), static_cast<unsigned>(blocks)),
          .block = kThreads,
          .stream = static_cast<cudaStream_t>(stream.handle)},
         static_cast<const Unit*>(args.x), static_cast<Unit*>(args.out), args.cols, units);
}

// grid covers `count` in x and the heads in y, block = kThreads.
__global__ void __launch_bounds__(kThreads) expand_bias_kernel(ops::ExpandBiasArgs args) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t head = blockIdx.y;
  if (at >= args.count) return;
  args.out[head * args.count + at] = args.table[args.bucket[at] * args.heads + head];
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

void gated_gelu(const ops::GatedGeluArgs& args, Stream stream) {
  if (args.elements == 0) return;
  const bool wide = aligned({args.gate, args.up, args.out});
  with_element_type(args.dtype, [&]<typename T>(T) {
    launch("gated_gelu", wide ? gated_gelu_kernel<true, T> : gated_gelu_kernel<false, T>,
           shape_for(args.elements, stream), static_cast<const T*>(args.gate),
           static_cast<const T*>(args.up), static_cast<T*>(args.out), args.elements);
  });
}

void upsample2x(const ops::Upsample2xArgs& args, Stream stream) {
  if (args.rows * args.cols * args.channels == 0) return;
  const int64_t pixel_bytes = storage_bytes(args.dtype, args.channels);
  if (pixel_bytes % 16 == 0 && aligned({args.x, args.out})) {
    launch_upsample2x<uint4>(args, stream);
  } else if (pixel_bytes % 4 == 0) {
    launch_upsample2x<uint32_t>(args, stream);
  } else {
    launch_upsample2x<uint16_t>(args, stream);
  }
}

void expand_bias(const ops::ExpandBiasArgs& args, Stream stream) {
  if (args.count == 0) return;
  launch("expand_bias", expand_bias_kernel,
         {.grid = dim3(static_cast<unsigned>((args.count + kThreads - 1) / kThreads),
                       static_cast<unsigned>(args.heads)),
          .block = kThreads,
          .stream = static_cast<cudaStream_t>(stream.handle)},
         args);
}

}  // namespace reel::cuda
