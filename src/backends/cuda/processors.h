// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace reel::cuda {

// Multiprocessors of the current device: what a kernel that fills the GPU once needs to know.
int processor_count();

// Shared memory of a multiprocessor of the current device, for all blocks there.
size_t shared_bytes_of_processor();

// Of the current device: 90 is 9.0.
int compute_capability();

// What the code of a kernel that the current device would run was compiled for: 89 is 8.9. Older
// than the device where the program has nothing newer.
int code_architecture(const void* kernel);

}  // namespace reel::cuda
