// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/limits.h"

#include <cuda_runtime.h>

#include "backends/cuda/cuda_check.h"
#include "backends/cuda/device/hash.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/device_time.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"

namespace reel::cuda {
namespace {

constexpr int kRepeats = 9;

// Memory of the GPU until the end of a scope.
class DeviceBytes {
 public:
  explicit DeviceBytes(size_t size) { check(cudaMalloc(&data_, size), "taking memory"); }
  ~DeviceBytes() { cudaFree(data_); }
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

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
  for (uint32_t i = 0; i < 4; ++i) a[i] = kNearOne ^ (device::hash(8 * id + i) & kRandomBits);
#pragma unroll
  for (uint32_t i = 0; i < 2; ++i) b[i] = kNearOne ^ (device::hash(8 * id + 4 + i) & kRandomBits);
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
  const int blocks = processor_count() * kBlocksPerProcessor;
  const DeviceBytes out(sizeof(float) * static_cast<size_t>(blocks) * kThreads);
  const double seconds = median_seconds(kRepeats, [&](int) {
    launch("mma_rate", mma_kernel<kMma>,
           {.grid = dim3(static_cast<unsigned>(blocks)), .block = dim3(kThreads)},
           static_cast<float*>(out.data()));
  });
  constexpr double kOperations = 2.0 * 16 * 8 * (kMma == Mma::kS8 ? 32 : 16);
  return kOperations * kChains * kRounds * blocks * (kThreads / 32) / seconds;
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
  constexpr size_t kBytes = size_t{1} << 28;
  const DeviceBytes from(kBytes);
  const DeviceBytes to(kBytes);
  const double seconds = median_seconds(kRepeats, [&](int) {
    check(cudaMemcpyAsync(to.data(), from.data(), kBytes, cudaMemcpyDeviceToDevice), "copying");
  });
  return 2.0 * kBytes / seconds;
}

}  // namespace reel::cuda
