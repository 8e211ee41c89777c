// SPDX-License-Identifier: Apache-2.0
#include "ops/random_data.h"

#include <cuda_runtime.h>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/hash.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/launch.cuh"

namespace reel::bench {
namespace {

namespace device = cuda::device;

constexpr int kThreads = 256;

__global__ void fill_int8_kernel(int8_t* to, int64_t elements, uint32_t seed) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= elements) return;
  to[at] = static_cast<int8_t>(
      static_cast<int>(device::hash(static_cast<uint32_t>(at) ^ seed) % 255) - 127);
}

// e4m3: signs and mantissas at random, exponents of 1/64 to 2.
__global__ void fill_e4m3_kernel(uint8_t* to, int64_t elements, uint32_t seed) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= elements) return;
  const uint32_t bits = device::hash(static_cast<uint32_t>(at) ^ seed);
  to[at] = static_cast<uint8_t>((bits & 0x87u) | (1 + (bits >> 8) % 7) << 3);
}

template <typename T>
__global__ void fill_floats_kernel(T* to, int64_t elements, uint32_t seed) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= elements) return;
  const uint32_t bits = device::hash(static_cast<uint32_t>(at) ^ seed);
  device::store_from_float(to[at], static_cast<float>(bits >> 8) * 0x1p-23f - 1.0f);
}

}  // namespace

void fill_random(void* to, DType dtype, int64_t elements, uint32_t seed) {
  const cuda::LaunchShape shape{
      .grid = dim3(static_cast<unsigned>((elements + kThreads - 1) / kThreads)),
      .block = dim3(kThreads)};
  if (dtype == DType::kI8) {
    cuda::launch("fill", fill_int8_kernel, shape, static_cast<int8_t*>(to), elements, seed);
  } else if (dtype == DType::kF8E4M3) {
    cuda::launch("fill", fill_e4m3_kernel, shape, static_cast<uint8_t*>(to), elements, seed);
  } else {
    cuda::with_element_type(dtype, [&]<typename T>(T) {
      cuda::launch("fill", fill_floats_kernel<T>, shape, static_cast<T*>(to), elements, seed);
    });
  }
}

}  // namespace reel::bench
