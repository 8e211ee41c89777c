// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/processors.h"

#include "backends/cuda/cuda_check.h"

namespace reel::cuda {

int processor_count() {
  int device = 0;
  int count = 0;
  check(cudaGetDevice(&device), "asking for the current GPU");
  check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
        "asking for the GPU's multiprocessors");
  return count;
}

}  // namespace reel::cuda
