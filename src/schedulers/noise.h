// SPDX-License-Identifier: Apache-2.0
// Normal random numbers that equal PyTorch's for the same seed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/numerics/mt19937.h"

namespace reel::schedulers {

enum class NoiseKind {
  kTorchCuda,  // torch.randn(..., device="cuda"): Wan, LightX2V
  kTorchCpu,   // torch.randn(...) on the CPU: ComfyUI, most diffusers code
  kGiven,      // numbers brought along, as from a stage file; cannot be asked for by name
};
const char* noise_kind_name(NoiseKind kind);        // "torch-cuda", "torch-cpu", "given"
NoiseKind parse_noise_kind(std::string_view name);  // throws kInvalidArgument naming both

// The two properties of a GPU that decide which thread draws which element: torch.randn gives
// other numbers on another GPU. The default stands for a card of 46 SMs.
struct GpuShape {
  int sm_count = 46;
  int threads_per_sm = 1536;
};

// One stream of normal numbers. A copy continues independently from the same place.
//
// Numerics: f32, within 3e-6 of PyTorch, whose CPU kernels differ among themselves by as much (99%
// of the numbers equal those of its AVX2 kernel bit for bit). CUDA's own sine is less exact.
class Rng {
 public:
  static Rng torch_cuda(uint64_t seed, GpuShape gpu = {});
  // As in PyTorch, only the low 32 bits of `seed` count.
  static Rng torch_cpu(uint64_t seed);

  // Hands out `values` in order. fill_normal() throws kInvalidArgument when they run out.
  static Rng from_values(std::vector<float> values);

  NoiseKind kind() const { return kind_; }

  // Fills `out` as one torch.randn of out.size() elements; the next call continues the stream.
  // The split into calls matters: two draws of n are not one draw of 2n.
  void fill_normal(std::span<float> out);

  // Where the stream stands, as words that may be written to a file. restore() throws kBadFile
  // when they belong to another kind of generator. Seed and GpuShape are not part of them.
  std::vector<uint32_t> state() const;
  void restore(std::span<const uint32_t> words);

 private:
  Rng(NoiseKind kind, uint64_t seed, GpuShape gpu);
  void fill_like_cuda(std::span<float> out);
  void fill_like_cpu(std::span<float> out);
  void fill_given(std::span<float> out);
  float next_single();

  NoiseKind kind_;
  uint64_t seed_;
  GpuShape gpu_;
  // torch-cuda: random words used up by each stream, a multiple of 4; given: numbers handed out
  uint64_t offset_ = 0;
  std::vector<float> given_;
  numerics::Mt19937 words_;
  double cached_normal_ = 0;  // torch-cpu, draws of fewer than 16: the second of a pair
  bool has_cached_normal_ = false;
};

}  // namespace reel::schedulers
