// SPDX-License-Identifier: Apache-2.0
#include "server/job.h"

#include <array>

namespace reel::server {
namespace {

constexpr std::array kNames = {"queued", "in_progress", "completed", "failed", "cancelled", "held"};

}  // namespace

const char* job_state_name(JobState state) { return kNames[static_cast<size_t>(state)]; }

std::optional<JobState> job_state_from(const std::string& name) {
  for (size_t at = 0; at < kNames.size(); ++at) {
    if (name == kNames[at]) return static_cast<JobState>(at);
  }
  return std::nullopt;
}

bool is_over(JobState state) {
  return state != JobState::kQueued && state != JobState::kInProgress && state != JobState::kHeld;
}

}  // namespace reel::server
