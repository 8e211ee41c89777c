// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/processors.h"

#include "backends/cuda/cuda_check.h"

namespace reel::cuda {
namespace {

int attribute(cudaDeviceAttr which, const char* what) {
  int device = 0;
  int value = 0;
  check(cudaGetDevice(&device), "asking for the current GPU");
  check(cudaDeviceGetAttribute(&value, which, device), what);
  return value;
}

}  // namespace

int processor_count() {
  return attribute(cudaDevAttrMultiProcessorCount, "asking for the GPU's multiprocessors");
}

int64_t blocks_that_share(size_t bytes) {
  constexpr int64_t kReserved = 1024;  // of each block
  const int64_t all =
      attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor, "asking for the GPU's shared memory");
  return all / (static_cast<int64_t>(bytes) + kReserved);
}

int compute_capability() {
  constexpr const char* kWhat = "asking for the GPU's compute capability";
  return 10 * attribute(cudaDevAttrComputeCapabilityMajor, kWhat) +
         attribute(cudaDevAttrComputeCapabilityMinor, kWhat);
}

int code_architecture(const void* kernel) {
  cudaFuncAttributes attributes{};
  check(cudaFuncGetAttributes(&attributes, kernel), "asking for the code of a kernel");
  return attributes.binaryVersion;
}

}  // namespace reel::cuda
