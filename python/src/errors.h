// SPDX-License-Identifier: Apache-2.0
// reel::Error as the exceptions of python/reel/errors.py.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace reel::python {

// From here on every reel::Error that leaves a bound function is one of reel.errors.
void register_errors();

// The names of all codes, as they stand in messages.
pybind11::tuple error_codes();

// File names need not be UTF-8: as os.fsdecode has them.
pybind11::str to_text(const std::string& bytes);

}  // namespace reel::python
