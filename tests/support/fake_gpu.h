// SPDX-License-Identifier: Apache-2.0
// A GPU for tests of what the pipeline does on one: kernels of the CPU's reference, memory of the
// host, copies that are done at once.
#pragma once

#include <memory>
#include <string>

#include "backends/cpu/backend.h"
#include "backends/cuda/gpu.h"
#include "core/host_copy_engine.h"

namespace reel::test {

inline constexpr uint64_t kPlenty = uint64_t{24} << 30;  // of memory, for tiny models

class FakeGpu : public cuda::Gpu {
 public:
  explicit FakeGpu(uint64_t free_bytes, const ops::Kernels& kernels = cpu::reference_kernels())
      : free_bytes_(free_bytes), kernels_(kernels) {}

  const cuda::GpuFacts& facts() const override { return facts_; }
  const ops::Kernels& kernels() const override { return kernels_; }
  std::string kernels_summary() const override { return "a fake GPU"; }
  // Another than that of copies, which are issued by a thread of their own.
  Stream compute_stream() const override { return {const_cast<FakeGpu*>(this)}; }
  MemorySpace& memory() override { return host_memory(); }
  CopyEngine& copies() override { return copies_; }
  uint64_t free_bytes() const override { return free_bytes_; }
  cuda::GpuLimits measure_limits() override { return {}; }
  std::optional<cuda::GpuUse> use() const override { return std::nullopt; }
  std::optional<uint64_t> free_bytes_if_known() const override { return free_bytes_; }
  bool reach(int) override { return false; }
  void synchronise() override {}

 private:
  const uint64_t free_bytes_;
  const ops::Kernels kernels_;
  const cuda::GpuFacts facts_{.index = 0, .name = "RTX 4070", .major = 8, .minor = 9};
  HostCopyEngine copies_;
};

}  // namespace reel::test
