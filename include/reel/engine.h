// SPDX-License-Identifier: Apache-2.0
// Opens a model and makes clips from sentences.
#pragma once

#include <reel/error.h>
#include <reel/progress.h>
#include <reel/request.h>

#include <memory>
#include <string>

namespace reel {

// What a resumed clip may have otherwise than it was asked for: where it goes, never what it shows.
struct ResumeOptions {
  std::string out, preview_dir;  // as in VideoRequest; empty: as it was
  bool overwrite = false;        // false: as it was
};

// One model, opened. Headers are read at once, weights when a stage first needs them. Not for
// several threads at once.
class Engine {
 public:
  // Throws kNotFound naming what is missing and where it was looked for, kBadFile, kUnsupported.
  explicit Engine(const ModelOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Makes the clip. Throws kInvalidArgument before anything is computed, kCancelled when progress
  // asks to stop (latents that exist are kept for resume()), kIo when the output cannot be written.
  VideoResult generate(const VideoRequest& request, Progress& progress);

  // Checks everything that can be checked before weights are read, and returns the request with
  // every gap filled: what generate() would make. Throws as generate().
  VideoRequest check(const VideoRequest& request, Progress& progress);

  // Continues a job that was stopped or crashed, from the last step it saved. Throws kNotFound
  // naming the jobs there are, kBadFile, and as generate().
  VideoResult resume(const std::string& job_id, Progress& progress);
  VideoResult resume(const std::string& job_id, const ResumeOptions& changes, Progress& progress);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The model and request of a job, for opening the engine that resumes it.
struct SavedJob {
  ModelOptions model;
  VideoRequest request;
};
SavedJob load_job(const std::string& job_id);
// Removes what a job has saved, if there is such a job.
void forget_job(const std::string& job_id);

// Throws kUnsupported, saying what is missing, where no MP4 file can be written: for programs whose
// first clip comes long after they were started.
void require_mp4();

}  // namespace reel
