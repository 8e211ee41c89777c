// SPDX-License-Identifier: Apache-2.0
// Memory that is needed soon, fetched into the second-level cache a few lines at a time while
// products keep the matrix unit busy.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "backends/cpu/amx_tiles.h"

namespace reel::cpu::amx {

class Fetches {
 public:
  static constexpr size_t kMostRanges = 3;

  // At most kMostRanges in all. Nothing is read, so that a range may hold anything.
  void add(const std::byte* from, int64_t bytes) {
    if (bytes > 0) ranges_[count_++] = {from, ceil_div(bytes, kLineBytes)};
  }
  // What was added is fetched by so many calls of step().
  void spread(int64_t steps) {
    int64_t lines = 0;
    for (size_t at = 0; at < count_; ++at) lines += ranges_[at].lines;
    lines_per_step_ = ceil_div(lines, std::max<int64_t>(1, steps));
  }
  void step() {
    for (int64_t line = 0; line < lines_per_step_ && current_ < count_; ++line) {
      Range& range = ranges_[current_];
      __builtin_prefetch(range.next, 0, 2);
      range.next += kLineBytes;
      if (--range.lines == 0) ++current_;
    }
  }

 private:
  struct Range {
    const std::byte* next;
    int64_t lines;
  };
  std::array<Range, kMostRanges> ranges_{};
  size_t count_ = 0;
  size_t current_ = 0;
  int64_t lines_per_step_ = 0;
};

}  // namespace reel::cpu::amx
