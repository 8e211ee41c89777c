// SPDX-License-Identifier: Apache-2.0
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <reel/engine.h>

#include <memory>
#include <mutex>
#include <utility>

#include "bindings.h"
#include "watched_run.h"

namespace py = pybind11;

namespace reel::python {
namespace {

// [N, H, W, 3] uint8 that owns the bytes of the run.
py::object to_array(WatchedRun& run) {
  if (run.frame_count == 0) return py::none();
  auto bytes = std::make_unique<std::vector<uint8_t>>(std::move(run.frames));
  uint8_t* data = bytes->data();
  const py::capsule owner(bytes.release(),
                          [](void* held) { delete static_cast<std::vector<uint8_t>*>(held); });
  return py::array_t<uint8_t>({run.frame_count, run.height_px, run.width_px, 3}, data, owner);
}

// An engine that several threads of Python may hold: one run at a time, which any may stop.
class SharedEngine {
 public:
  explicit SharedEngine(const ModelOptions& options) : engine_(options) {}

  VideoRequest check(const VideoRequest& request, const py::object& watcher) {
    WatchedRun run(watcher);
    VideoRequest complete;
    start(run, [&] { complete = engine_.check(request, run); });
    return complete;
  }

  std::pair<VideoResult, py::object> generate(const VideoRequest& request,
                                              const py::object& watcher, bool keep_frames) {
    WatchedRun run(watcher, keep_frames);
    VideoResult result;
    start(run, [&] { result = engine_.generate(request, run); });
    return {std::move(result), to_array(run)};
  }

  std::pair<VideoResult, py::object> resume(const std::string& job_id, const std::string& out,
                                            const std::string& preview_dir, bool overwrite,
                                            const py::object& watcher, bool keep_frames) {
    WatchedRun run(watcher, keep_frames);
    const ResumeOptions changes{out, preview_dir, overwrite};
    VideoResult result;
    start(run, [&] { result = engine_.resume(job_id, changes, run); });
    return {std::move(result), to_array(run)};
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    if (running_ != nullptr) running_->stop_requested = true;
  }

 private:
  void start(WatchedRun& run, const std::function<void()>& work) {
    {
      const std::lock_guard lock(mutex_);
      if (running_ != nullptr) {
        throw Error(ErrorCode::kBusy, "This pipeline is making another clip.",
                    "Wait for it, or open another pipeline.");
      }
      running_ = &run;
    }
    const std::unique_ptr<SharedEngine, void (*)(SharedEngine*)> at_end(
        this, [](SharedEngine* self) {
          const std::lock_guard lock(self->mutex_);
          self->running_ = nullptr;
        });
    run.run(work);
  }

  Engine engine_;
  std::mutex mutex_;
  WatchedRun* running_ = nullptr;
};

}  // namespace

void bind_engine(py::module_& module) {
  py::class_<SharedEngine>(module, "Engine")
      .def(py::init<const ModelOptions&>(), py::arg("options"))
      .def("check", &SharedEngine::check, py::arg("request"), py::arg("watcher"))
      .def("generate", &SharedEngine::generate, py::arg("request"), py::arg("watcher"),
           py::arg("keep_frames"))
      .def("resume", &SharedEngine::resume, py::arg("job_id"), py::arg("out"),
           py::arg("preview_dir"), py::arg("overwrite"), py::arg("watcher"), py::arg("keep_frames"))
      .def("cancel", &SharedEngine::cancel);
  module.def(
      "load_job",
      [](const std::string& job_id) {
        SavedJob job = load_job(job_id);
        return std::pair(std::move(job.model), std::move(job.request));
      },
      py::arg("job_id"));
}

}  // namespace reel::python
