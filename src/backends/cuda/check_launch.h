// SPDX-License-Identifier: Apache-2.0
// What launch() needs from the CUDA runtime besides the launch itself.
#pragma once

#include <cstddef>

namespace reel::cuda {

// A kernel may use this much dynamic shared memory without a word to the driver.
inline constexpr size_t kSharedBytesWithoutAsking = size_t{48} * 1024;

// Lets `kernel` use `bytes` of dynamic shared memory on the current device. Throws kDeviceFailure
// when the device has less.
void allow_shared_bytes(const char* name, const void* kernel, size_t bytes);

// Throws kDeviceFailure, with the name of the kernel just started, when it could not start.
void check_launch(const char* name);

}  // namespace reel::cuda
