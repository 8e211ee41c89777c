// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <reel/error.h>

#include <exception>

namespace py = pybind11;

namespace reel::python {
namespace {

void raise(const Error& error) {
  const py::object made = py::module_::import("reel.errors")
                              .attr("make")(error_code_name(error.code()), to_text(error.what()),
                                            to_text(error.hint()));
  PyErr_SetObject(py::type::of(made).ptr(), made.ptr());
}

}  // namespace

void register_errors() {
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& error) {
      raise(error);
    }
  });
}

py::tuple error_codes() {
  py::list names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    names.append(error_code_name(static_cast<ErrorCode>(code)));
  }
  return py::tuple(names);
}

py::str to_text(const std::string& bytes) {
  PyObject* text =
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape");
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

}  // namespace reel::python
