// SPDX-License-Identifier: Apache-2.0
// Several seeds of a clip, seen before they are made.
#pragma once

#include <reel/error.h>
#include <reel/progress.h>
#include <reel/report.h>
#include <reel/request.h>

#include <cstdint>
#include <string>
#include <vector>

namespace reel {

struct ScoutRequest {
  // What each clip would be. Its seed is the first of those that are tried; `out` is where the clip
  // of a seed goes once it is continued; `overwrite` is for the sheet too. No preview_dir and no
  // frames_only.
  VideoRequest video;
  int seeds = 8;      // 1 to 32, that follow each other
  int steps = 1;      // taken of each before it is looked at; at most as many as the clip has
  std::string sheet;  // a .png; empty: scout-<first seed>.png
};

struct ScoutedSeed {
  uint64_t seed = 0;
  std::string job_id;  // Engine::resume() continues it
};

struct ScoutResult {
  std::string sheet;  // of the previews: each seed above four frames of its clip
  std::vector<ScoutedSeed> seeds;
  RunReport report;
};

// Takes the first steps of every seed and saves each as a job, the same as a stopped generate() of
// that seed leaves; a clip that is continued has the bytes that it would have had. Throws as
// Engine::generate(), and then leaves no job.
ScoutResult scout(const ModelOptions& model, const ScoutRequest& request, Progress& progress);

}  // namespace reel
