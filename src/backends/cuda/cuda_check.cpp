// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cuda_check.h"

#include "base/error.h"

namespace reel::cuda {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // the next call is not to blame
  fail(ErrorCode::kDeviceFailure,
       str_cat("The GPU failed while ", what, ": ", cudaGetErrorString(status), '.'),
       "If it happens again, look for the GPU's own errors with nvidia-smi and dmesg.");
}

}  // namespace reel::cuda
