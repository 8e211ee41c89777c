// SPDX-License-Identifier: Apache-2.0
#include "watched_run.h"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "errors.h"

namespace py = pybind11;

namespace reel::python {
namespace {

// How long a signal may wait for Python's handler.
constexpr std::chrono::milliseconds kSignalInterval{50};

}  // namespace

WatchedRun::WatchedRun(py::object watcher, bool keep_frames)
    : watcher_(std::move(watcher)), keep_frames_(keep_frames) {}

void WatchedRun::run(const std::function<void()>& work) {
  std::exception_ptr failure;
  std::thread worker([&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    finish();
  });
  deliver_until_finished();
  worker.join();  // it has nothing left to do
  if (python_error_) throw std::move(*python_error_);
  if (failure) std::rethrow_exception(failure);
}

void WatchedRun::on_event(const ProgressEvent& event) {
  const std::lock_guard lock(mutex_);
  // A slow watcher is told where the run stands, not where it was.
  auto* last = reports_.empty() ? nullptr : std::get_if<ProgressEvent>(&reports_.back());
  if (last != nullptr && last->stage == event.stage && last->done == event.done) {
    *last = event;
  } else {
    reports_.emplace_back(event);
  }
  changed_.notify_one();
}

void WatchedRun::on_preview(const Preview& preview) {
  const size_t bytes = size_t{3} * static_cast<size_t>(preview.height_px) * preview.width_px;
  add(KeptPreview{.step = preview.step,
                  .steps = preview.steps,
                  .height_px = preview.height_px,
                  .width_px = preview.width_px,
                  .rgb = {preview.rgb, preview.rgb + bytes}});
}

void WatchedRun::on_warning(std::string_view text) { add(Warning{std::string(text)}); }

void WatchedRun::on_note(std::string_view text) { add(Note{std::string(text)}); }

void WatchedRun::on_frame(const RgbFrame& frame) {
  if (!keep_frames_) return;
  height_px = frame.height_px;
  width_px = frame.width_px;
  ++frame_count;
  frames.insert(frames.end(), frame.rgb,
                frame.rgb + size_t{3} * static_cast<size_t>(height_px) * width_px);
}

void WatchedRun::add(Report report) {
  const std::lock_guard lock(mutex_);
  reports_.push_back(std::move(report));
  changed_.notify_one();
}

void WatchedRun::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  changed_.notify_one();
}

void WatchedRun::deliver_until_finished() {
  for (bool finished = false; !finished;) {
    std::deque<Report> ready;
    {
      const py::gil_scoped_release released;
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kSignalInterval, [&] { return finished_ || !reports_.empty(); });
      ready.swap(reports_);
      finished = finished_;
    }
    deliver(ready);
  }
}

void WatchedRun::deliver(const std::deque<Report>& reports) {
  try {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    for (const Report& report : reports) {
      if (!python_error_) call(report);
    }
  } catch (py::error_already_set& error) {
    if (!python_error_) python_error_.emplace(std::move(error));
    stop_requested = true;
  }
}

void WatchedRun::call(const Report& report) {
  if (const auto* event = std::get_if<ProgressEvent>(&report)) {
    watcher_.attr("on_event")(*event);
  } else if (const auto* preview = std::get_if<KeptPreview>(&report)) {
    watcher_.attr("on_preview")(*preview);
  } else if (const auto* warning = std::get_if<Warning>(&report)) {
    watcher_.attr("on_warning")(to_text(warning->text));
  } else {
    watcher_.attr("on_note")(to_text(std::get<Note>(report).text));
  }
}

}  // namespace reel::python
