// SPDX-License-Identifier: Apache-2.0
// The clip that is being made: how far it is, and whether it shall stop.
#pragma once

#include <reel/progress.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace reel::server {

// As far as a clip is.
struct LiveState {
  const char* phase = "load";  // then "text", "denoise", "decode"
  int done = 0, total = 0;     // layers of the encoder, steps, frames
  int percent = 0;             // of the whole clip, never less than before
  double eta_s = -1;           // negative while it cannot be told
  int previews = 0;            // step-1.png to this one are there
};

class LiveJob : public Progress {
 public:
  // `changed` is called on the thread of the run, at most ten times a second besides a few.
  // `saved` hears the name that the run can be resumed by. After `look_after` steps the run is told
  // to stop, once it has saved them; 0: never.
  LiveJob(std::function<void()> changed, std::function<void(const std::string&)> saved,
          int look_after = 0);

  LiveState state() const;
  // Whether it was resumed or not, the run has saved something under this name.
  std::string saved_job() const;
  // Whether the steps before the look were taken.
  bool is_to_be_held() const;

  void on_event(const ProgressEvent& event) override;
  void on_preview(const Preview& preview) override;
  void on_job(std::string_view job_id) override;
  void on_warning(std::string_view text) override;

 private:
  using Clock = std::chrono::steady_clock;

  std::function<void()> changed_;
  std::function<void(const std::string&)> saved_;
  mutable std::mutex mutex_;
  LiveState state_;
  std::string saved_job_;
  const int look_after_;
  bool is_to_be_held_ = false;
  Clock::time_point told_{};
};

}  // namespace reel::server
