// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace reel::cuda {

// Multiprocessors of the current device: what a kernel that fills the GPU once needs to know.
int processor_count();

// How many blocks with so much shared memory a multiprocessor of the current device has room for.
int64_t blocks_that_share(size_t bytes);

// Of the current device: 90 is 9.0.
int compute_capability();

// What the code of a kernel that the current device would run was compiled for: 89 is 8.9. Older
// than the device where the program has nothing newer.
int code_architecture(const void* kernel);

}  // namespace reel::cuda
