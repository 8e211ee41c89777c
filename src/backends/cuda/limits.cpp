// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/limits.h"

#include <cuda_runtime_api.h>

#include <cstddef>

#include "backends/cuda/cuda_check.h"
#include "backends/cuda/device_time.h"
#include "backends/cuda/mma_rounds.h"
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
  constexpr int kRounds = 8192;
  constexpr int kWarps = kMmaThreads / 32;  // of a block
  const int blocks = processor_count() * kMmaBlocks;
  const DeviceBytes out(sizeof(float) * static_cast<size_t>(blocks) * kMmaThreads);
  const double seconds = median_seconds(kRepeats, [&](int) {
    run_mma_rounds(mma, kRounds, blocks, static_cast<float*>(out.data()));
  });
  const double operations = 2.0 * 16 * 8 * (mma == Mma::kS8 ? 32 : 16);
  return operations * kMmaChains * kRounds * blocks * kWarps / seconds;
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
