// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <reel/plan.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"

namespace py = pybind11;

namespace reel::python {
namespace {

using Size = std::pair<int, int>;  // width, height

Size to_pair(const FrameSize& size) { return {size.width_px, size.height_px}; }

std::optional<Size> size_of(const PlanChange& change) {
  if (!change.size) return std::nullopt;
  return to_pair(*change.size);
}

std::vector<Size> trained_sizes(const Plan& plan) {
  std::vector<Size> sizes;
  sizes.reserve(plan.trained_sizes.size());
  for (const FrameSize& size : plan.trained_sizes) sizes.push_back(to_pair(size));
  return sizes;
}

}  // namespace

void bind_plan(py::module_& module) {
  py::class_<PlanChange>(module, "PlanChange")
      .def_readonly("text", &PlanChange::text)
      .def_readonly("frames", &PlanChange::frames)
      .def_property_readonly("size", &size_of)
      .def_readonly("card_bytes", &PlanChange::card_bytes);
  py::class_<Plan>(module, "Plan")
      .def_readonly("fits", &Plan::fits)
      .def_readonly("refusal", &Plan::refusal)
      .def_readonly("changes", &Plan::changes)
      .def_property_readonly("trained_sizes", &trained_sizes)
      .def_readonly("width_px", &Plan::width_px)
      .def_readonly("height_px", &Plan::height_px)
      .def_readonly("frames", &Plan::frames)
      .def_readonly("steps", &Plan::steps)
      .def_readonly("guided", &Plan::guided)
      .def_readonly("gpu", &Plan::gpu)
      .def_readonly("is_gpu_here", &Plan::is_gpu_here)
      .def_readonly("is_assumed", &Plan::is_assumed)
      .def_readonly("card_bytes", &Plan::card_bytes)
      .def_readonly("context_bytes", &Plan::context_bytes)
      .def_readonly("arena_bytes", &Plan::arena_bytes)
      .def_readonly("host_bytes", &Plan::host_bytes)
      .def_readonly("total_s", &Plan::total_s)
      .def_readonly("warnings", &Plan::warnings)
      .def_readonly("notes", &Plan::notes);
  module.def(
      "make_plan",
      [](const ModelOptions& model, const SamplingOptions& sampling, std::string prompt,
         std::string negative_prompt) {
        const PlanRequest request{.model = model,
                                  .sampling = sampling,
                                  .prompt = std::move(prompt),
                                  .negative_prompt = std::move(negative_prompt),
                                  .as_gpu = {}};
        const py::gil_scoped_release others_run;
        return make_plan(request);
      },
      py::arg("model"), py::arg("sampling"), py::arg("prompt"), py::arg("negative_prompt"));
}

}  // namespace reel::python
