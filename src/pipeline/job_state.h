// SPDX-License-Identifier: Apache-2.0
// What a job has reached, saved so that it can go on after a stop or a crash.
#pragma once

#include <reel/engine.h>

#include <filesystem>
#include <optional>
#include <string>

#include "pipeline/text_to_video.h"

namespace reel::pipeline {

// One job's folder under the state folder's jobs/. Removed when the clip is written; kept when the
// run ends before, as long as something was saved in it.
class Job {
 public:
  // A new job. The request's seed must be set. Removes the oldest jobs above 2 GiB in all.
  static Job create(const ModelOptions& model, const VideoRequest& request);
  // Throws kNotFound naming the jobs there are.
  static Job open(const std::string& id);
  // Removes the folder of a job, if there is one of that name.
  static void forget(const std::string& id);
  ~Job();
  Job(Job&& other) noexcept;
  Job& operator=(Job&&) = delete;

  const std::string& id() const { return id_; }
  const ModelOptions& model() const { return model_; }
  const VideoRequest& request() const { return request_; }
  // Also for when it is resumed once more.
  void change(const ResumeOptions& changes);
  // True once a step was saved: there is something to resume.
  bool can_resume() const;

  void save_prompts(const EncodedPrompts& prompts);
  std::optional<EncodedPrompts> load_prompts() const;
  void save_state(const DenoiseState& state, const RunSettings& settings);
  std::optional<DenoiseState> load_state(const RunSettings& settings) const;

  // The clip is written: nothing is left to resume.
  void finish();

 private:
  Job(std::string id, std::filesystem::path folder, ModelOptions model, VideoRequest request);
  void write_request() const;

  std::string id_;
  std::filesystem::path folder_;
  ModelOptions model_;
  VideoRequest request_;
};

}  // namespace reel::pipeline
