// SPDX-License-Identifier: Apache-2.0
// The one way to start a kernel.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <type_traits>

#include "backends/cuda/check_launch.h"

namespace reel::cuda {

struct LaunchShape {
  dim3 grid;
  dim3 block;
  size_t shared_bytes = 0;  // the size of what the kernel takes from device::Shared
  cudaStream_t stream = nullptr;
};

// Starts a kernel. Throws kDeviceFailure, with `name`, when the driver refuses it.
template <typename... Params>
void launch(const char* name, void (*kernel)(Params...), const LaunchShape& shape,
            std::type_identity_t<Params>... args) {
  if (shape.shared_bytes > kSharedBytesWithoutAsking) {
    allow_shared_bytes(name, reinterpret_cast<const void*>(kernel), shape.shared_bytes);
  }
  kernel<<<shape.grid, shape.block, shape.shared_bytes, shape.stream>>>(args...);
  check_launch(name);
}

}  // namespace reel::cuda
