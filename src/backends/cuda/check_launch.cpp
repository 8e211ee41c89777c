// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/check_launch.h"

#include <cuda_runtime_api.h>

#include "base/error.h"

namespace reel::cuda {
namespace {

// An error the device has met before is reported by whatever call comes next.
constexpr const char* kHint =
    "Another launch may have caused it: CUDA_LAUNCH_BLOCKING=1 makes the first one speak.";

}  // namespace

void allow_shared_bytes(const char* name, const void* kernel, size_t bytes) {
  const cudaError_t status = cudaFuncSetAttribute(
      kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  if (status == cudaSuccess) return;
  cudaGetLastError();  // the next launch is not to blame
  fail(ErrorCode::kDeviceFailure,
       str_cat("kernel \"", name, "\" cannot have ", bytes,
               " bytes of shared memory: ", cudaGetErrorString(status), "."),
       kHint);
}

void check_launch(const char* name) {
  const cudaError_t status = cudaGetLastError();
  if (status == cudaSuccess) return;
  fail(ErrorCode::kDeviceFailure,
       str_cat("kernel \"", name, "\" did not start: ", cudaGetErrorString(status), "."), kHint);
}

}  // namespace reel::cuda
