// SPDX-License-Identifier: Apache-2.0
// A run of the library as Python sees it: on a thread of its own without the GIL, while the calling
// thread hands what it reports to a Python object and lets signals be handled.
#pragma once

#include <pybind11/pybind11.h>
#include <reel/progress.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace reel::python {

// A Preview with its own bytes.
struct KeptPreview {
  int step = 0, steps = 0;
  int height_px = 0, width_px = 0;
  std::vector<uint8_t> rgb;
};

class WatchedRun : public Progress {
 public:
  // `watcher` has on_event(event), on_preview(preview), on_warning(text) and on_note(text). Frames
  // are kept when `keep_frames`, as bytes one after the other.
  explicit WatchedRun(pybind11::object watcher, bool keep_frames = false);

  // Called with the GIL held. An exception of the watcher or of a signal handler (Ctrl-C) stops the
  // work and is thrown here when it has ended; else what the work threw.
  void run(const std::function<void()>& work);

  // Of the frames that were kept.
  std::vector<uint8_t> frames;
  int frame_count = 0, height_px = 0, width_px = 0;

  void on_event(const ProgressEvent& event) override;
  void on_preview(const Preview& preview) override;
  void on_warning(std::string_view text) override;
  void on_note(std::string_view text) override;
  void on_frame(const RgbFrame& frame) override;

 private:
  struct Warning {
    std::string text;
  };
  struct Note {
    std::string text;
  };
  using Report = std::variant<ProgressEvent, KeptPreview, Warning, Note>;

  void add(Report report);
  void finish();
  void deliver_until_finished();
  void deliver(const std::deque<Report>& reports);
  void call(const Report& report);

  const pybind11::object watcher_;
  const bool keep_frames_;
  std::optional<pybind11::error_already_set> python_error_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Report> reports_;
  bool finished_ = false;
};

}  // namespace reel::python
