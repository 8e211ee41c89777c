// SPDX-License-Identifier: Apache-2.0
// One clip that was asked for, from the queue to its file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace reel::server {

// kHeld: set aside after its first steps, to be looked at; it goes on when it is asked to.
enum class JobState { kQueued, kInProgress, kCompleted, kFailed, kCancelled, kHeld };

// "queued", "in_progress", ...: as they are stored. /v1/videos knows the first four alone.
const char* job_state_name(JobState state);
std::optional<JobState> job_state_from(const std::string& name);
bool is_over(JobState state);

// What the clip is made from, every gap filled: making it again gives the same bytes.
struct ClipSettings {
  std::string prompt, negative_prompt;
  int width_px = 0, height_px = 0, frames = 0;
  int steps = 0;
  int fps = 16;
  std::string sampler;
  double shift = 5, guidance = 1;
  uint64_t seed = 0;
};

struct Job {
  int64_t sequence = 0;  // order of arrival; names the job's files
  std::string id;        // what requests name it by
  std::string client;    // whose it is: the name of a key, or an address
  ClipSettings clip;
  std::string wanted_name;  // what the client wants to call the file; never a path here

  JobState state = JobState::kQueued;
  int look_after = 0;  // steps after which it is held; 0: none
  // Unix time in milliseconds; 0 until it happens.
  int64_t created_ms = 0, started_ms = 0, completed_ms = 0;
  int64_t spent_ms = 0;   // until it was held
  int attempts = 0;       // how often it was begun
  std::string saved_job;  // what Engine::resume() goes on with; empty: nothing
  std::string error_code, error_message;
  std::string frames_digest, recipe;
  uint64_t file_bytes = 0;  // 0 once the file was removed to keep the quota
};

}  // namespace reel::server
