// SPDX-License-Identifier: Apache-2.0
// The GPUs of this machine, and one of them opened. A build without CUDA has none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/copy_engine.h"
#include "core/memory_space.h"
#include "ops/kernels.h"

namespace reel::cuda {

// The oldest compute capability that the kernels run on is this and 0.
constexpr int kOldestMajor = 8;

// What a launch computes at most. Chunks are what memory/budget.h plans for.
constexpr int64_t kMostFlopsPerCall = int64_t{7} << 40;

struct GpuFacts {
  int index = 0;
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  int threads_per_multiprocessor = 0;
  uint64_t total_bytes = 0;
  std::string bus_id;  // "0000:65:00.0"
};

// "12.9" and so on; empty where there is none.
struct Versions {
  std::string driver_supports;  // the newest CUDA that the driver runs
  std::string built_with;
};
Versions versions();

// Whether this build has CUDA kernels.
bool is_built();
// The GPUs that could be opened, as CUDA numbers them. Empty without a driver; never throws.
std::vector<GpuFacts> list_gpus();

// What a GPU can do at most, measured, per second: products of mma.sync, and bytes read and written
// by copies within its memory.
struct GpuLimits {
  double int8_ops = 0, f16_ops = 0, bf16_ops = 0, copied_bytes = 0;
  // Under INT8 products without a pause; 0 where the driver does not tell.
  double sm_clock_hz = 0, power_w = 0;
};

// GPU memory in use as the driver counts it.
struct GpuUse {
  uint64_t bytes = 0;
  const char* counted = "";  // whose bytes these are, in words
};

// One GPU with a stream for computing and one for copies. Not copyable.
class Gpu {
 public:
  virtual ~Gpu() = default;

  virtual const GpuFacts& facts() const = 0;
  virtual const ops::Kernels& kernels() const = 0;
  // "cuda, sm_90, rotated INT8": for the recipe.
  virtual std::string kernels_summary() const = 0;
  virtual Stream compute_stream() const = 0;
  // Plain allocations of the driver's memory. For one large region: everything else is taken
  // from that.
  virtual MemorySpace& memory() = 0;
  virtual CopyEngine& copies() = 0;
  // As the driver counts now, for the whole card.
  virtual uint64_t free_bytes() const = 0;
  // Takes two seconds, and half a GiB of memory for that time.
  virtual GpuLimits measure_limits() = 0;
  // As much of the use as can be told apart: this process's, or by how much the card's has grown.
  // Both never throw and may be called from any thread; nothing when the driver does not answer.
  virtual std::optional<GpuUse> use() const = 0;
  virtual std::optional<uint64_t> free_bytes_if_known() const = 0;
  // Lets copies read the memory of GPU `other` over the link between both, where there is one that
  // the driver opens; elsewhere they go through the host's memory. Returns whether there is.
  virtual bool reach(int other) = 0;
  // Waits until all work submitted so far is done. Throws kDeviceFailure when some of it failed.
  virtual void synchronise() = 0;
};

// Throws kUnsupported, naming what was found and needed: no CUDA in this build, no driver or one
// that is too old, no such GPU, a compute capability below 8.0.
std::unique_ptr<Gpu> open_gpu(int index);

}  // namespace reel::cuda
