// SPDX-License-Identifier: Apache-2.0
// Reads the float32 files of tests/data.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "support/places.h"

namespace reel::test {

// Every number of tests/data/<name>. Throws kNotFound when there is no such file.
inline std::vector<float> read_floats(const std::string& name) {
  const InputFile file(data_folder() / name);
  std::vector<float> values(file.size_bytes() / sizeof(float));
  file.read_at(0, std::as_writable_bytes(std::span(values)));
  return values;
}

}  // namespace reel::test
