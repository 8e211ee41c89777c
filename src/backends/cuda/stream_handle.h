// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "core/copy_engine.h"

namespace reel::cuda {

// What the CUDA runtime calls them.
inline cudaStream_t handle_of(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }
inline cudaEvent_t handle_of(Event event) { return static_cast<cudaEvent_t>(event.handle); }

}  // namespace reel::cuda
