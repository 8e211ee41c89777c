// SPDX-License-Identifier: Apache-2.0
// Errors of the CUDA runtime as ours.
#pragma once

#include <cuda_runtime_api.h>

namespace reel::cuda {

// Throws kDeviceFailure when `status` is an error: "The GPU failed while <what>: <what CUDA says>."
void check(cudaError_t status, const char* what);

}  // namespace reel::cuda
