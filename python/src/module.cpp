// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <reel/version.h>

#include "bindings.h"
#include "errors.h"

PYBIND11_MODULE(_reel, module) {
  reel::python::register_errors();
  reel::python::bind_request(module);
  reel::python::bind_engine(module);
  reel::python::bind_stages(module);
  reel::python::bind_plan(module);
  reel::python::bind_lightx2v(module);
  module.attr("version") = reel::kVersion;
  module.attr("error_codes") = reel::python::error_codes();
  module.def("build_summary", &reel::build_summary);
}
