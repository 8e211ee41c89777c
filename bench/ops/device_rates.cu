// SPDX-License-Identifier: Apache-2.0
#include "ops/device_rates.h"

#include <cuda_runtime.h>

#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"
#include "ops/device_time.h"

namespace reel::bench {
namespace {

namespace device = cuda::device;

__device__ inline uint32_t hash(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

// ---------------------------------------------------------------- tensor cores

constexpr int kThreads = 256;
constexpr int kBlocksPerProcessor = 2;
constexpr int kChains = 8;  // independent sums of a warp, so that no product waits for another
constexpr int kRounds = 8192;

template <Mma kMma>
struct Chain {
  float sums[4] = {};
};
template <>
struct Chain<Mma::kS8> {
  int32_t sums[4] = {};
};
template <>
struct Chain<Mma::kF16F16> {
  uint32_t sums[2] = {};
};

template <Mma kMma>
__device__ inline void multiply(Chain<kMma>& chain, const uint32_t (&a)[4],
                                const uint32_t (&b)[2]) {
  if constexpr (kMma == Mma::kS8) device::mma_s8(chain.sums, a, b);
  if constexpr (kMma == Mma::kF16) device::mma_f16(chain.sums, a, b);
  if constexpr (kMma == Mma::kF16F16) device::mma_f16_f16(chain.sums, a, b);
  if constexpr (kMma == Mma::kBF16) device::mma_bf16(chain.sums, a, b);
}

// grid fills the GPU, block = kThreads. Operands are random: zeros would draw less power.
template <Mma kMma>
__global__ void __launch_bounds__(kThreads, kBlocksPerProcessor) mma_kernel(float* out) {
  const uint32_t id = blockIdx.x * kThreads + threadIdx.x;
  // 16-bit numbers near one in both halves; as bytes they are as good as any.
  constexpr uint32_t kNearOne = kMma == Mma::kBF16 ? 0x3f803f80u : 0x3c003c00u;
  constexpr uint32_t kRandomBits = kMma == Mma::kS8 ? 0xffffffffu : 0x803f803fu;
  uint32_t a[4];
  uint32_t b[2];
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i) a[i] = kNearOne ^ (hash(8 * id + i) & kRandomBits);
#pragma unroll
  for (uint32_t i = 0; i < 2; ++i) b[i] = kNearOne ^ (hash(8 * id + 4 + i) & kRandomBits);
  Chain<kMma> chains[kChains];
#pragma unroll 1
  for (int round = 0; round < kRounds; ++round) {
#pragma unroll
    for (int chain = 0; chain < kChains; ++chain) multiply<kMma>(chains[chain], a, b);
  }
  float sum = 0;
#pragma unroll
  for (int chain = 0; chain < kChains; ++chain) sum += static_cast<float>(chains[chain].sums[0]);
  out[id] = sum;
}

template <Mma kMma>
double measured_rate() {
  const int blocks = cuda::processor_count() * kBlocksPerProcessor;
  void* out = nullptr;
  cuda::check(cudaMalloc(&out, sizeof(float) * static_cast<size_t>(blocks) * kThreads),
              "taking memory");
  const double seconds = median_seconds(9, [&](int) {
    cuda::launch("mma_rate", mma_kernel<kMma>,
                 {.grid = dim3(static_cast<unsigned>(blocks)), .block = dim3(kThreads)},
                 static_cast<float*>(out));
  });
  cudaFree(out);
  constexpr double kOperations = 2.0 * 16 * 8 * (kMma == Mma::kS8 ? 32 : 16);
  return kOperations * kChains * kRounds * blocks * (kThreads / 32) / seconds;
}

// ---------------------------------------------------------------- random numbers

__global__ void fill_int8_kernel(int8_t* to, int64_t elements, uint32_t seed) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= elements) return;
  to[at] =
      static_cast<int8_t>(static_cast<int>(hash(static_cast<uint32_t>(at) ^ seed) % 255) - 127);
}

// e4m3: signs and mantissas at random, exponents of 1/64 to 2.
__global__ void fill_e4m3_kernel(uint8_t* to, int64_t elements, uint32_t seed) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= elements) return;
  const uint32_t bits = hash(static_cast<uint32_t>(at) ^ seed);
  to[at] = static_cast<uint8_t>((bits & 0x87u) | (1 + (bits >> 8) % 7) << 3);
}

template <typename T>
__global__ void fill_floats_kernel(T* to, int64_t elements, uint32_t seed) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= elements) return;
  const uint32_t bits = hash(static_cast<uint32_t>(at) ^ seed);
  device::store_from_float(to[at], static_cast<float>(bits >> 8) * 0x1p-23f - 1.0f);
}

}  // namespace

const char* mma_name(Mma mma) {
  switch (mma) {
    case Mma::kS8: return "s8 to s32";
    case Mma::kF16: return "f16 to f32";
    case Mma::kF16F16: return "f16 to f16";
    case Mma::kBF16: return "bf16 to f32";
  }
  return "";
}

double mma_rate(Mma mma) {
  switch (mma) {
    case Mma::kS8: return measured_rate<Mma::kS8>();
    case Mma::kF16: return measured_rate<Mma::kF16>();
    case Mma::kF16F16: return measured_rate<Mma::kF16F16>();
    case Mma::kBF16: return measured_rate<Mma::kBF16>();
  }
  return 0;
}

double copy_rate() {
  constexpr size_t kBytes = size_t{1} << 30;
  void* from = nullptr;
  void* to = nullptr;
  cuda::check(cudaMalloc(&from, kBytes), "taking memory");
  cuda::check(cudaMalloc(&to, kBytes), "taking memory");
  fill_random(from, DType::kI8, kBytes, 1);
  const double seconds = median_seconds(9, [&](int) {
    cuda::check(cudaMemcpyAsync(to, from, kBytes, cudaMemcpyDeviceToDevice), "copying");
  });
  cudaFree(from);
  cudaFree(to);
  return 2.0 * kBytes / seconds;
}

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
