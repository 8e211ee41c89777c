// SPDX-License-Identifier: Apache-2.0
// The model: checks what is asked for, and makes it.
#pragma once

#include <reel/engine.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/clip_request.h"
#include "server/job.h"

namespace reel::server {

// Where a job's files go.
struct ClipPlaces {
  std::string clip;      // .mp4
  std::string previews;  // a folder
};

// What the engine and the planner are asked for.
SamplingOptions sampling_of(const ClipRequest& request);

class ClipMaker {
 public:
  // Throws as Engine's constructor.
  explicit ClipMaker(const ModelOptions& model);

  // What the model is called in answers: its folder or file, or "reel-demo".
  const std::string& model_name() const { return name_; }

  // Every gap filled. From any thread, and does not wait for a clip. Throws kInvalidArgument;
  // `warnings` hears what is not as it was asked.
  ClipSettings check(const ClipRequest& request, std::vector<std::string>& warnings);

  // Makes the clip, or goes on with what the job has saved. One thread at a time, always the same.
  VideoResult make(const Job& job, const ClipPlaces& places, Progress& progress);
  // Closes the model until it is needed again.
  void release() { engine_.reset(); }
  bool is_warm() const { return engine_ != nullptr; }

 private:
  ModelOptions model_;
  std::string name_;
  std::mutex checking_;
  Engine checker_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace reel::server
