// SPDX-License-Identifier: Apache-2.0
// What a run took: time, bytes that moved, memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reel {

// Memory of the networks under one name: "weights", "activations".
struct TagUse {
  std::string tag;
  uint64_t peak_bytes = 0;     // the most it had at once
  uint64_t at_peak_bytes = 0;  // what it had when all tags together had the most
};

// Of one stage. Left out is what the system does not tell.
struct StageReport {
  std::string stage;           // "text", "denoise", "decode"
  bool is_from_cache = false;  // what it makes was there: nothing was computed
  double seconds = 0;
  std::vector<double> step_s;             // of each denoising step, without loading
  uint64_t read_bytes = 0;                // of weights, from their files
  std::optional<uint64_t> storage_bytes;  // fetched from disk for the process; not from a cache
  uint64_t upload_bytes = 0;              // of weights, to the GPU
  double stall_s = 0;                     // the GPU had nothing to do but wait for weights
  // Where the networks run: on the GPU, or in host memory.
  uint64_t peak_bytes = 0;
  std::vector<TagUse> memory;
  // The most that was seen, every 5 ms: private, pinned and shared memory of the process.
  std::optional<uint64_t> host_bytes;
  // On a GPU: the driver's count when the stage ended, and the least that was free on the card.
  std::optional<uint64_t> gpu_bytes, gpu_least_free_bytes;
};

// A kernel that computed some of the products, the attention or the convolutions.
struct KernelUse {
  std::string family;  // "products", "attention", "convolutions"
  std::string kernel;  // "AMX", "mma.sync"
  std::string dtype;   // of its operands: "i8", "bf16"
  int64_t calls = 0;
  double flops = 0;
};

struct RunReport {
  std::vector<StageReport> stages;  // those that ran: a resumed run may have none of the first
  double total_s = 0;
  uint64_t resident_bytes = 0;     // most host memory of the process, mapped files included
  std::vector<KernelUse> kernels;  // those that did the most first, family by family
  // On a GPU: whose memory gpu_bytes counts, "this process" with its context where the driver
  // tells.
  std::string gpu_counted;
  std::string frames_digest;  // of the clip that decode() wrote, as in VideoResult
  // On a GPU: requests that would have fitted too, "1280 wide x 720 high (--size 1280x720)".
  std::vector<std::string> also_fits;

  // 0 for a stage that did not run.
  double seconds_of(std::string_view stage) const {
    for (const StageReport& one : stages) {
      if (one.stage == stage) return one.seconds;
    }
    return 0;
  }
};

// {"seconds": total, "stages": [{"stage": ..., "seconds": ..., ...}], ...}: the fields above,
// without those that were left out.
std::string to_json(const RunReport& report);

}  // namespace reel
