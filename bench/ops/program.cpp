// SPDX-License-Identifier: Apache-2.0
#include "ops/program.h"

#include <cuda_runtime_api.h>

#include <cstdio>

#include "backends/cuda/cuda_check.h"
#include "base/error.h"
#include "ops/random_data.h"

namespace reel::bench {

void print_gpu() {
  int device = 0;
  cuda::check(cudaGetDevice(&device), "asking for the GPU");
  cudaDeviceProp facts{};
  cuda::check(cudaGetDeviceProperties(&facts, device), "asking for the GPU");
  std::printf("%s, sm_%d%d, %d multiprocessors, L2 %d MiB\n", facts.name, facts.major, facts.minor,
              facts.multiProcessorCount, facts.l2CacheSize >> 20);
}

void* device_bytes(int64_t size) {
  void* memory = nullptr;
  cuda::check(cudaMalloc(&memory, static_cast<size_t>(size)), "taking memory");
  return memory;
}

void* random_bytes(DType dtype, int64_t elements, uint32_t seed, int64_t extra_bytes) {
  void* memory = device_bytes(storage_bytes(dtype, elements) + extra_bytes);
  fill_random(memory, dtype, elements, seed);
  return memory;
}

int exit_code_of(const char* program, void (*run)()) {
  try {
    run();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s %s\n", program, error.what(), error.hint().c_str());
    return 1;
  }
  return 0;
}

}  // namespace reel::bench
