// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <reel/lightx2v.h>

#include <utility>

#include "bindings.h"
#include "watched_run.h"

namespace py = pybind11;

namespace reel::python {
namespace {

std::pair<ModelOptions, VideoRequest> prepare(const lightx2v::Settings& settings,
                                              const py::object& watcher) {
  WatchedRun run(watcher);
  lightx2v::Run prepared;
  run.run([&] { prepared = lightx2v::prepare(settings, run); });
  return {std::move(prepared.model), std::move(prepared.request)};
}

}  // namespace

void bind_lightx2v(py::module_& module) {
  using lightx2v::Setting;
  using lightx2v::Settings;
  py::class_<Setting>(module, "LightX2VSetting")
      .def(py::init([](std::string key, std::string json, std::string origin) {
             return Setting{
                 .key = std::move(key), .json = std::move(json), .origin = std::move(origin)};
           }),
           py::arg("key"), py::arg("json"), py::arg("origin"))
      .def_readonly("key", &Setting::key)
      .def_readonly("json", &Setting::json)
      .def_readonly("origin", &Setting::origin);
  py::class_<Settings>(module, "LightX2VSettings")
      .def(py::init<>())
      .def_readwrite("given", &Settings::given)
      .def_readwrite("config_json", &Settings::config_json)
      .def_readwrite("sets", &Settings::sets)
      .def_readwrite("seed", &Settings::seed)
      .def_readwrite("prompt", &Settings::prompt)
      .def_readwrite("negative_prompt", &Settings::negative_prompt)
      .def_readwrite("save_result_path", &Settings::save_result_path)
      .def_readwrite("target_shape", &Settings::target_shape)
      .def_readwrite("num_frames", &Settings::num_frames)
      .def_readwrite("without_effect", &Settings::without_effect)
      .def_readwrite("name_prefix", &Settings::name_prefix)
      .def_readwrite("sampler", &Settings::sampler);
  module.def("lightx2v_prepare", &prepare, py::arg("settings"), py::arg("watcher"));
}

}  // namespace reel::python
