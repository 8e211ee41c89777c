// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/processors.h"

#include <cuda_runtime_api.h>

#include "base/error.h"

namespace reel::cuda {

int processor_count() {
  int device = 0;
  int count = 0;
  cudaError_t status = cudaGetDevice(&device);
  if (status == cudaSuccess) {
    status = cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device);
  }
  REEL_REQUIRE(status == cudaSuccess, kDeviceFailure,
               str_cat("The GPU does not say how many multiprocessors it has: ",
                       cudaGetErrorString(status), "."));
  return count;
}

}  // namespace reel::cuda
