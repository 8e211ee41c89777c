// SPDX-License-Identifier: Apache-2.0
// Command lines that --help ends with and the manual page has.
#pragma once

#include <string_view>

namespace reel::cli {

// Of that command, a line each; empty for those that need none. tests/e2e/settings_test.cpp runs
// them, in the order in which they make what the next ones read.
std::string_view examples_of(std::string_view command);

}  // namespace reel::cli
