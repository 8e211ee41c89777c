// SPDX-License-Identifier: Apache-2.0
#include "hub/rate_meter.h"

namespace reel::hub {
namespace {

constexpr double kWindowSeconds = 10;
constexpr double kLeastSeconds = 0.5;

}  // namespace

void RateMeter::add(double seconds, uint64_t bytes_so_far) {
  samples_.push_back({seconds, bytes_so_far});
  while (samples_.size() > 2 && samples_[1].seconds <= seconds - kWindowSeconds) {
    samples_.pop_front();
  }
}

double RateMeter::bytes_per_second() const {
  if (samples_.size() < 2) return 0;
  const double span = samples_.back().seconds - samples_.front().seconds;
  if (span < kLeastSeconds) return 0;
  return static_cast<double>(samples_.back().bytes - samples_.front().bytes) / span;
}

double RateMeter::seconds_for(uint64_t bytes) const {
  const double rate = bytes_per_second();
  return rate > 0 ? static_cast<double>(bytes) / rate : -1;
}

}  // namespace reel::hub
