// SPDX-License-Identifier: Apache-2.0
// The shared memory of the running block: poison, copies in flight, and a shadow that remembers who
// touched each byte last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cuda_host/machine.h"

namespace reel::cuda_host {

// Fills `bytes` of shared memory with poison: NaN as f16, bf16, f32 and e4m3, large as integers.
void begin_shared_memory(size_t bytes, int threads);
// What went wrong in the block without a thread to blame, or "".
std::string end_shared_memory();
// After a fault: forgets copies in flight.
void abandon_shared_memory();

// Row `row` of a matrix, for the lanes that receive it.
void read_matrix_row(const void* at, int row, bool transposed, Site site);

// A load or store that the compiler reports: see access_hooks.cpp.
void plain_access(const void* at, size_t bytes, bool writes, const void* pc);

// Whether the kernels of this build report their loads and stores.
bool sees_plain_accesses();

}  // namespace reel::cuda_host
