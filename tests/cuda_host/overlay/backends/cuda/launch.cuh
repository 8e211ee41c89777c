// SPDX-License-Identifier: Apache-2.0
// launch() on the CPU: the grid has run when it returns.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <type_traits>

#include "cuda_host/machine.h"

namespace reel::cuda {

struct LaunchShape {
  dim3 grid;
  dim3 block;
  size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};

template <typename... Params>
void launch(const char* name, void (*kernel)(Params...), const LaunchShape& shape,
            std::type_identity_t<Params>... args) {
  auto thread = [&] { kernel(args...); };
  cuda_host::run_grid({.name = name,
                       .grid = shape.grid,
                       .block = shape.block,
                       .shared_bytes = shape.shared_bytes,
                       .thread = [](void* body) { (*static_cast<decltype(thread)*>(body))(); },
                       .body = &thread});
}

}  // namespace reel::cuda
