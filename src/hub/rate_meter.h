// SPDX-License-Identifier: Apache-2.0
// How fast bytes arrive, over the last seconds.
#pragma once

#include <cstdint>
#include <deque>

namespace reel::hub {

class RateMeter {
 public:
  // `seconds` since any fixed moment, not going back.
  void add(double seconds, uint64_t bytes_so_far);
  // 0 while it cannot be told.
  double bytes_per_second() const;
  // For so many bytes; negative while it cannot be told.
  double seconds_for(uint64_t bytes) const;

 private:
  struct Sample {
    double seconds;
    uint64_t bytes;
  };
  std::deque<Sample> samples_;
};

}  // namespace reel::hub
