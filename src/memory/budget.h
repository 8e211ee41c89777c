// SPDX-License-Identifier: Apache-2.0
// What a run may use, and what the machine has.
#pragma once

#include <cstdint>
#include <string>

#include "memory/work.h"

namespace reel::memory {

// What the user allows; 0 where nothing was said.
struct Budget {
  uint64_t card_bytes = 0;  // behave as on a GPU of this size
  uint64_t ram_bytes = 0;   // host memory, page cache included
};

// Rows that a block of the DiT takes at a time on a GPU. They decide results' last bits, so a
// budget never changes them. Large enough to fill any GPU, small enough for its scratch: 97 % of
// whole-request speed on 132 multiprocessors by count of tiles.
constexpr int64_t kGpuRowChunk = 8192;

// What a launch computes at most on a GPU: 92 ms of 8-bit attention, the slowest of the products,
// at the rate predicted for an RTX 4070. A stop waits for launches that are under way.
constexpr int64_t kGpuMostFlopsPerCall = int64_t{7} << 40;

struct Machine {
  std::string gpu;                   // "RTX 4070"
  bool is_assumed = true;            // the GPU was not asked, its rates were not measured
  uint64_t gpu_free_bytes = 0;       // 0: not known
  uint64_t context_bytes = 0;        // what the driver takes for a process
  uint64_t workspace_bytes = 0;      // of libraries, one constant size
  uint64_t ram_available_bytes = 0;  // MemAvailable, or what the cgroup leaves
  int64_t row_chunk = kGpuRowChunk;
  int64_t most_flops_per_call = kGpuMostFlopsPerCall;
  Rates rates;
};

// The most device memory the process may hold, context included: that of the card less what a
// desktop and the driver keep, and what is free less a margin. 0 when neither is known.
uint64_t gpu_cap_bytes(const Budget& budget, const Machine& machine);

// The card on which a run of `cap_bytes` is possible: the inverse of gpu_cap_bytes for a card that
// has nothing else to do.
uint64_t card_bytes_for(uint64_t cap_bytes);

// A machine with this GPU as memory/card_model.h predicts it; the reference card where the name is
// unknown. Host memory is left open.
Machine assumed_machine(const std::string& gpu_name);

}  // namespace reel::memory
