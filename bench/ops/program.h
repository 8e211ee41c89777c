// SPDX-License-Identifier: Apache-2.0
// What the benchmark programs have in common: which GPU, its memory, how they time and end.
#pragma once

#include <chrono>
#include <cstdint>

#include "backends/cuda/device_time.h"
#include "core/dtype.h"

namespace reel::bench {

// The first line of every program: the current GPU.
void print_gpu();

// Memory of the current GPU; cudaFree() ends it, or the program. The second is filled with random
// numbers (random_data.h) but for `extra_bytes` behind them.
void* device_bytes(int64_t size);
void* random_bytes(DType dtype, int64_t elements, uint32_t seed, int64_t extra_bytes = 0);

// cuda::median_seconds() after a quarter of a second of the same work: a card follows its power
// limit in tens of milliseconds, and a short line would be timed at the clocks of the line before.
template <typename Work>
double settled_seconds(int repeats, Work&& work) {
  using Clock = std::chrono::steady_clock;
  const cuda::TimeMark done;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(250);
  for (int run = 0; Clock::now() < end; ++run) {
    work(run);
    done.record();
    done.wait();
  }
  return cuda::median_seconds(repeats, work);
}

// The exit code of `program`: 1 when run() throws, with one line on stderr.
int exit_code_of(const char* program, void (*run)());

}  // namespace reel::bench
