// SPDX-License-Identifier: Apache-2.0
#include "memory/arena_layout.h"

#include <algorithm>

namespace reel::memory {

void ActivationLog::take(const char* tag, uint64_t bytes) {
  open_.push_back(all_.size());
  all_.push_back({.tag = tag, .bytes = bytes, .first_use = moment_, .last_use = moment_});
  ++moment_;
}

void ActivationLog::close(size_t begin) {
  for (size_t at = begin; at < open_.size(); ++at) all_[open_[at]].last_use = moment_ - 1;
  open_.resize(begin);
}

ArenaLayout stack_layout(std::span<const Activation> activations) {
  ArenaLayout layout;
  for (const Activation& taken : activations) {
    uint64_t top = 0;
    for (size_t below = 0; below < layout.offsets.size(); ++below) {
      if (activations[below].last_use < taken.first_use) continue;
      top = std::max(top, layout.offsets[below] + aligned(activations[below].bytes));
    }
    layout.offsets.push_back(top);
    layout.bytes = std::max(layout.bytes, top + aligned(taken.bytes));
  }
  return layout;
}

}  // namespace reel::memory
