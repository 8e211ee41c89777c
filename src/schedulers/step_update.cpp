// SPDX-License-Identifier: Apache-2.0
#include "schedulers/step_update.h"

#include <algorithm>
#include <cassert>

#include "base/parallel.h"

namespace reel::schedulers {
namespace {

// Small enough that a tile of every slot stays in the cache between combinations.
constexpr int64_t kTile = 1024;

void combine(const Combination& combination, const HostSlots& slots, int64_t begin, int64_t count) {
  const auto at = [&](Slot slot) { return slots[static_cast<size_t>(slot)].data() + begin; };
  float sum[kTile];
  const float* first = at(combination.terms[0].slot);
  const float first_factor = combination.terms[0].factor;
  for (int64_t index = 0; index < count; ++index) sum[index] = first_factor * first[index];
  for (int term = 1; term < combination.term_count; ++term) {
    const float* values = at(combination.terms[term].slot);
    const float factor = combination.terms[term].factor;
    for (int64_t index = 0; index < count; ++index) sum[index] += factor * values[index];
  }
  std::copy_n(sum, count, at(combination.out));
}

}  // namespace

void StepUpdate::add(Slot out, std::initializer_list<Term> terms) {
  assert(combination_count < kMostCombinations && terms.size() <= Combination::kMostTerms);
  Combination& combination = combinations[combination_count++];
  combination.out = out;
  for (const Term& term : terms) combination.terms[combination.term_count++] = term;
}

void apply_update(const StepUpdate& update, const HostSlots& slots) {
  const auto elements = static_cast<int64_t>(slots[static_cast<size_t>(Slot::kLatents)].size());
  const int64_t tiles = (elements + kTile - 1) / kTile;
  parallel_for(tiles, 16, [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t count = std::min(kTile, elements - tile * kTile);
      for (int index = 0; index < update.combination_count; ++index) {
        combine(update.combinations[index], slots, tile * kTile, count);
      }
    }
  });
}

}  // namespace reel::schedulers
