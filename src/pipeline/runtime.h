// SPDX-License-Identifier: Apache-2.0
// Where a run computes and in which precision, shared by all its networks.
#pragma once

#include <reel/request.h>

#include <memory>
#include <optional>
#include <string>

#include "backends/cuda/gpu.h"
#include "base/stop.h"
#include "core/arena.h"
#include "core/counted_memory.h"
#include "core/host_copy_engine.h"
#include "core/planned_memory.h"
#include "memory/block_streamer.h"
#include "memory/planner.h"
#include "ops/context.h"
#include "pipeline/devices.h"
#include "pipeline/kernel_log.h"
#include "pipeline/op_trace.h"
#include "pipeline/pacer.h"
#include "pipeline/precision.h"

namespace reel::pipeline {

class Peers;

class Runtime {
 public:
  // On one device. `sharers` runtimes have equal parts of the host's memory. Throws kUnsupported
  // for a device or precision that is not there, kIo for a trace that cannot be written.
  Runtime(const ModelOptions& options, const StopFlag& stop_flag, int sharers = 1);
  // On this GPU, whatever options.device says; null for the CPU.
  Runtime(const ModelOptions& options, const StopFlag& stop_flag, std::unique_ptr<cuda::Gpu> gpu,
          int sharers = 1);
  // On the first of options.device, with peers on the others. Throws kCancelled after a stop, too.
  static std::unique_ptr<Runtime> on_all_devices(const ModelOptions& options,
                                                 const StopFlag& stop_flag);
  ~Runtime();

  const StopFlag& stop() const { return stop_; }
  // The other devices of this clip; null when there are none.
  Peers* peers() { return peers_.get(); }
  bool on_gpu() const { return gpu_ != nullptr; }
  const ops::Kernels& kernels() const { return kernels_; }
  // Where weights and activations lie; of a plan, its region.
  MemorySpace& memory() { return *memory_; }
  Stream stream() const { return on_gpu() ? gpu_->compute_stream() : Stream{}; }

  const Numbers& numbers() const { return numbers_; }
  // The text encoder's, never in 8 bits: a prompt is encoded once, so rotating and rounding the
  // matrices takes longer than it saves, and through 24 layers it would move the states by several
  // percent.
  Numbers text_numbers() const;
  // The VAE's: f16 on a GPU, whose rounding it does not show.
  Numbers vae_numbers() const;
  // For the second attempt at a step that went wrong: nothing in 8 bits.
  Numbers safer_numbers() const;

  // From here on GPU memory is this plan's: its arena is taken now, and what exceeds it is an
  // error. Without a plan networks stay on the GPU whole. Nothing on the CPU.
  void obey(const memory::Plan& plan);
  bool has_plan() const { return plan_.has_value(); }
  // False when the plan found no room for this phase.
  bool has_room_for(memory::Phase phase) const { return !plan_ || plan_->phase(phase) != nullptr; }
  // The activations before the first block follow, or those of the passes over all blocks. What the
  // arena held before is gone.
  void begin_setup(memory::Phase phase);
  void begin_passes(memory::Phase phase);
  // What the last phase held is free: what is taken now lies before all that later phases take.
  void end_phase();
  memory::StreamerOptions streamer_options(memory::Phase phase, int blocks) const;
  // How many strips the plan decodes frames in; 1 without a plan.
  int decode_strips() const;
  CopyEngine& copies() { return gpu_->copies(); }
  // Takes a second. On a GPU only.
  cuda::GpuLimits measure_limits() { return gpu_->measure_limits(); }
  // What a plan is made from.
  memory::Machine machine() const;
  const memory::Budget& budget() const { return budget_; }
  // Adds what a streamer did to streamed().
  void count(const memory::StreamerStats& stats);
  const memory::StreamerStats& streamed() const { return streamed_; }
  // What networks hold and held at most, by tag: of the arena, or of host memory.
  const MemoryUse& memory_use() const;
  void restart_memory_peaks();

  // How and by which kernels the text encoder is computed, for the key of a cache.
  std::string text_kernels() const;
  bool keeps_text() const { return keeps_text_; }

  // Which kernels ran.
  const KernelLog& kernel_log() const { return kernel_log_; }
  OpTrace* trace() { return trace_ ? &*trace_ : nullptr; }  // null when none is wanted

  ops::Context context(const Numbers& numbers);
  // A block of a network has been submitted; what follows belongs to none.
  void end_block();

  uint64_t weight_budget_bytes() const { return weight_budget_bytes_; }
  uint64_t peak_activation_bytes() const { return arena_->peak_bytes(); }
  const cuda::GpuFacts* gpu() const { return gpu_ ? &gpu_->facts() : nullptr; }
  // As the driver counts now; nothing on the CPU, or where it does not tell.
  std::optional<cuda::GpuUse> gpu_use() const { return gpu_ ? gpu_->use() : std::nullopt; }
  std::optional<uint64_t> gpu_free_bytes_if_known() const {
    return gpu_ ? gpu_->free_bytes_if_known() : std::nullopt;
  }
  uint64_t gpu_free_bytes() const { return gpu_->free_bytes(); }

  // Opens the way for copies from another runtime's GPU to this one's. Nothing on the CPU.
  void reach(const Runtime& other) {
    if (on_gpu() && other.on_gpu()) gpu_->reach(other.gpu_->facts().index);
  }

  // "cpu", or "cuda:0 (NVIDIA GeForce RTX 4070)", with those of the peers; and the kernels, for the
  // recipe.
  std::string device_name() const;
  std::string kernels_summary() const;

 private:
  const StopFlag& stop_;
  std::unique_ptr<cuda::Gpu> gpu_;        // null on the CPU
  std::optional<CountedMemory> counted_;  // what memory_ is without a plan
  HostCopyEngine host_copies_;            // whose events time the trace on the CPU
  KernelLog kernel_log_;
  std::optional<OpTrace> trace_;
  std::optional<Pacer> pacer_;  // of a GPU
  ops::Kernels kernels_;        // the backend's, watched
  MemorySpace* memory_;
  Numbers numbers_;
  uint64_t weight_budget_bytes_;  // for weights that stay
  memory::Budget budget_;
  const int sharers_;

  std::string own_device_name() const;
  void renew_arena(uint64_t size_bytes);
  // Takes f16 values where the card does not compute right with e4m3 ones.
  void try_fp8_values();
  void watch_kernels(const std::string& trace);

  std::optional<memory::Plan> plan_;
  std::unique_ptr<PlannedMemory> planned_;
  // A part of it that setup weights and activations take in turn, so that no hole is left.
  std::unique_ptr<PlannedMemory> shared_;
  memory::StreamerStats streamed_;
  std::unique_ptr<Arena> arena_;
  bool keeps_text_ = false;
  std::unique_ptr<Peers> peers_;
};

}  // namespace reel::pipeline
