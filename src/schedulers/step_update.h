// SPDX-License-Identifier: Apache-2.0
// One sampler step as data: linear combinations of named tensors.
//
// Samplers compute factors; where the tensors lie and who adds them up is decided elsewhere, so
// that host memory and a GPU run the same numbers.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace reel::schedulers {

// The tensors a step may name. All have the shape of the latents and are f32.
enum class Slot : uint8_t {
  kLatents,   // in and out
  kVelocity,  // the network's answer, after guidance
  kNoise,     // fresh normal numbers; only when StepUpdate::draws_noise
  kSample,    // the sample before the latest prediction; lasts over steps
  kClean0,    // estimates of the clean latents, used in turn; last over steps
  kClean1,
  kClean2,
};
inline constexpr int kSlotCount = 7;

struct Term {
  float factor = 0;
  Slot slot = Slot::kLatents;
};

// out = terms[0] + terms[1] + ..., products and sums rounded to f32 in that order. `out` may be
// one of the terms.
struct Combination {
  static constexpr int kMostTerms = 4;
  Slot out = Slot::kLatents;
  std::array<Term, kMostTerms> terms{};
  int term_count = 0;
};

// Combinations are applied one after the other; each works element by element.
struct StepUpdate {
  static constexpr int kMostCombinations = 4;
  std::array<Combination, kMostCombinations> combinations{};
  int combination_count = 0;
  bool draws_noise = false;

  void add(Slot out, std::initializer_list<Term> terms);
};

// Where the tensors lie in host memory; slots an update does not name may be empty.
using HostSlots = std::array<std::span<float>, kSlotCount>;

// Runs `update` on host memory, on all compute threads. The velocity is only read.
void apply_update(const StepUpdate& update, const HostSlots& slots);

}  // namespace reel::schedulers
