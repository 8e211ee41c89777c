// SPDX-License-Identifier: Apache-2.0
// Where a test finds what it reads: in the source tree it was built from, or, when it was moved to
// another machine with a bundle, beside itself.
#pragma once

#include <filesystem>

namespace reel::test {

// The folder of the running test; the program under test lies there too.
inline std::filesystem::path program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

// tests/data
inline std::filesystem::path data_folder() {
  const auto moved = program_folder().parent_path() / "share/reel/tests";
  return std::filesystem::exists(moved) ? moved : std::filesystem::path(REEL_TEST_DATA);
}

}  // namespace reel::test
