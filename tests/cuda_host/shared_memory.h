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
// Whether threads run: between, what touches shared memory is the machine.
void watch_shared_memory(bool on);

// Row `row` of a matrix, for the lanes that receive it.
void read_matrix_row(const void* at, int row, bool transposed, Site site);

// Shared memory of the block whose threads run at the moment; no bytes outside of them.
struct WatchedBytes {
  const unsigned char* begin = nullptr;
  size_t size = 0;
};
extern WatchedBytes watched;

// A load or store of shared memory that the compiler reports.
void plain_shared_access(const void* at, size_t bytes, bool writes, const void* pc);

// As above, of any memory: see access_hooks.cpp.
inline void plain_access(const void* at, size_t bytes, bool writes, const void* pc) {
  const auto offset = static_cast<size_t>(reinterpret_cast<uintptr_t>(at) -
                                          reinterpret_cast<uintptr_t>(watched.begin));
  if (offset < watched.size) [[unlikely]]
    plain_shared_access(at, bytes, writes, pc);
}

}  // namespace reel::cuda_host
