// SPDX-License-Identifier: Apache-2.0
// What reel._reel is made of. python/reel/_reel.pyi describes it for Python.
#pragma once

#include <pybind11/pybind11.h>

namespace reel::python {

void bind_request(pybind11::module_& module);   // options, requests, results, events
void bind_engine(pybind11::module_& module);    // the engine, and how it is watched and stopped
void bind_stages(pybind11::module_& module);    // the stages on their own
void bind_plan(pybind11::module_& module);      // what a clip would take
void bind_lightx2v(pybind11::module_& module);  // settings under LightX2V's names

}  // namespace reel::python
