// SPDX-License-Identifier: Apache-2.0
// What would fit where a request does not, and what more where it does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memory/budget.h"
#include "pipeline/clip_planner.h"

namespace reel::pipeline {

// A change of the request under which it would fit.
struct PlanAlternative {
  enum class Kind { kFrames, kSize, kCard, kFiles } kind = Kind::kFrames;
  VideoSize video;          // kFrames, kSize
  uint64_t card_bytes = 0;  // kCard

  std::string what() const;  // "49 frames"
  std::string text() const;  // "49 frames (--frames 49)"
};

// For a request that does not fit, the least changes that help, each on its own and tried with the
// planner itself: fewer frames, a smaller size, a larger card, files in 8 bits. Strips of the
// decoder are no change of the request: the planner takes them by itself.
std::vector<PlanAlternative> find_alternatives(const ClipPlanner& planner, const ClipSize& clip,
                                               const memory::Budget& budget);

// For a request that fits: the length and the next size that Wan2.1 was trained at, where they fit
// too, and the smallest card for the request itself.
std::vector<PlanAlternative> what_else_fits(const ClipPlanner& planner, const ClipSize& clip,
                                            const memory::Budget& budget);

}  // namespace reel::pipeline
