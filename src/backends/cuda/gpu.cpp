// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/gpu.h"

#include <utility>

#include "backends/cuda/copy_engine.h"
#include "backends/cuda/cuda_check.h"
#include "backends/cuda/device_memory.h"
#include "backends/cuda/driver_count.h"
#include "backends/cuda/kernel_table.h"
#include "backends/cuda/limits.h"
#include "backends/cuda/requirements.h"
#include "backends/cuda/sustained.h"
#include "base/error.h"

namespace reel::cuda {
namespace {

std::string version_text(int version) {
  if (version <= 0) return {};
  return str_cat(version / 1000, '.', version % 1000 / 10);
}

GpuFacts read_facts(int index) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "asking for the GPU's properties");
  char bus_id[32] = {};
  check(cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, index), "asking for the GPU's place");
  return {.index = index,
          .name = properties.name,
          .major = properties.major,
          .minor = properties.minor,
          .multiprocessors = properties.multiProcessorCount,
          .threads_per_multiprocessor = properties.maxThreadsPerMultiProcessor,
          .total_bytes = properties.totalGlobalMem,
          .bus_id = bus_id};
}

// How many there are, or one sentence on why CUDA does not start.
int require_devices() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  cudaGetLastError();
  const StartFailure why = status == cudaErrorInsufficientDriver ? StartFailure::kInsufficientDriver
                           : status == cudaSuccess || status == cudaErrorNoDevice
                               ? StartFailure::kNoDevice
                               : StartFailure::kOther;
  fail_to_start(why, versions(), driver_release(), cudaGetErrorString(status));
}

class OpenedGpu : public Gpu {
 public:
  OpenedGpu(const GpuFacts& facts, DriverCount count)
      : facts_(facts), count_(std::move(count)), copies_(facts.index) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  }
  ~OpenedGpu() override { cudaStreamDestroy(stream_); }
  OpenedGpu(const OpenedGpu&) = delete;
  OpenedGpu& operator=(const OpenedGpu&) = delete;

  const GpuFacts& facts() const override { return facts_; }
  const ops::Kernels& kernels() const override { return kernel_table(); }
  std::string kernels_summary() const override {
    return str_cat("cuda ", versions().built_with, ", sm_", facts_.major, facts_.minor);
  }
  Stream compute_stream() const override { return {stream_}; }
  MemorySpace& memory() override { return memory_; }
  CopyEngine& copies() override { return copies_; }
  uint64_t free_bytes() const override {
    size_t free_bytes = 0;
    size_t total_bytes = 0;
    check(cudaMemGetInfo(&free_bytes, &total_bytes), "asking for free GPU memory");
    return free_bytes;
  }
  GpuLimits measure_limits() override {
    GpuLimits limits{.int8_ops = mma_rate(Mma::kS8),
                     .f16_ops = mma_rate(Mma::kF16),
                     .bf16_ops = mma_rate(Mma::kBF16),
                     .copied_bytes = copy_rate()};
    if (const auto nvml = Nvml::open(facts_.bus_id)) {
      const Sustained sustained = sustained_int8(*nvml);
      limits.sm_clock_hz = sustained.sm_clock_hz;
      limits.power_w = sustained.power_w;
    }
    return limits;
  }
  std::optional<GpuUse> use() const override { return count_.use(); }
  std::optional<uint64_t> free_bytes_if_known() const override { return count_.free_bytes(); }
  bool reach(int other) override {
    int can = 0;
    check(cudaDeviceCanAccessPeer(&can, facts_.index, other), "asking for the way to another GPU");
    if (can == 0) return false;
    check(cudaSetDevice(facts_.index), "choosing the GPU");
    const cudaError_t status = cudaDeviceEnablePeerAccess(other, 0);
    if (status == cudaErrorPeerAccessAlreadyEnabled) {
      cudaGetLastError();
      return true;
    }
    check(status, "opening the way to another GPU");
    return true;
  }
  void synchronise() override { check(cudaDeviceSynchronize(), "waiting for the GPU"); }

 private:
  GpuFacts facts_;
  DriverCount count_;
  cudaStream_t stream_ = nullptr;
  DeviceMemory memory_;
  CudaCopyEngine copies_;
};

}  // namespace

Versions versions() {
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  return {.driver_supports = version_text(driver), .built_with = version_text(runtime)};
}

bool is_built() { return true; }

std::vector<GpuFacts> list_gpus() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return {};
  }
  std::vector<GpuFacts> gpus;
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, index) == cudaSuccess) {
      gpus.push_back(read_facts(index));
    }
  }
  return gpus;
}

std::unique_ptr<Gpu> open_gpu(int index) {
  const int count = require_devices();
  REEL_REQUIRE(index >= 0 && index < count, kUnsupported,
               str_cat("There is no GPU ", index, "; CUDA sees ", count, "."),
               "Use --device cuda:0, or another number below that.");
  const GpuFacts facts = read_facts(index);
  require_capability(facts);
  DriverCount driver(index);
  check(cudaSetDevice(index), "choosing the GPU");
  driver.begin();
  return std::make_unique<OpenedGpu>(facts, std::move(driver));
}

}  // namespace reel::cuda
