// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/mma_rounds.h"

#include <cuda_runtime.h>

#include "backends/cuda/device/convert.cuh"
#include "backends/cuda/device/hash.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {
namespace {

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

template <Mma kMma>
__device__ inline float total(const Chain<kMma>& chain) {
  float sum = 0;
  if constexpr (kMma == Mma::kF16F16) {
#pragma unroll
    for (const uint32_t both : chain.sums) {
      float lo, hi;
      device::unpack_f16x2(both, lo, hi);
      sum += lo + hi;
    }
  } else {
#pragma unroll
    for (const auto element : chain.sums) sum += static_cast<float>(element);
  }
  return sum;
}

// block = kMmaThreads. Operands are random: zeros would draw less power.
template <Mma kMma>
__global__ void __launch_bounds__(kMmaThreads, kMmaBlocks)
    mma_rounds_kernel(int rounds, float* out) {
  const uint32_t id = blockIdx.x * kMmaThreads + threadIdx.x;
  // 16-bit numbers near one in both halves; as bytes they are as good as any.
  constexpr uint32_t kNearOne = kMma == Mma::kBF16 ? 0x3f803f80u : 0x3c003c00u;
  constexpr uint32_t kRandomBits = kMma == Mma::kS8 ? 0xffffffffu : 0x803f803fu;
  uint32_t a[4];
  uint32_t b[2];
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i) a[i] = kNearOne ^ (device::hash(8 * id + i) & kRandomBits);
#pragma unroll
  for (uint32_t i = 0; i < 2; ++i) b[i] = kNearOne ^ (device::hash(8 * id + 4 + i) & kRandomBits);
  Chain<kMma> chains[kMmaChains];
#pragma unroll 1
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (int chain = 0; chain < kMmaChains; ++chain) multiply<kMma>(chains[chain], a, b);
  }
  float sum = 0;
#pragma unroll
  for (int chain = 0; chain < kMmaChains; ++chain) sum += total<kMma>(chains[chain]);
  out[id] = sum;
}

template <Mma kMma>
void run(int rounds, int blocks, float* out) {
  launch("mma_rounds", mma_rounds_kernel<kMma>,
         {.grid = dim3(static_cast<unsigned>(blocks)), .block = dim3(kMmaThreads)}, rounds, out);
}

}  // namespace

void run_mma_rounds(Mma mma, int rounds, int blocks, float* out) {
  switch (mma) {
    case Mma::kS8: return run<Mma::kS8>(rounds, blocks, out);
    case Mma::kF16: return run<Mma::kF16>(rounds, blocks, out);
    case Mma::kF16F16: return run<Mma::kF16F16>(rounds, blocks, out);
    case Mma::kBF16: return run<Mma::kBF16>(rounds, blocks, out);
  }
}

}  // namespace reel::cuda
