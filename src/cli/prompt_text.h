// SPDX-License-Identifier: Apache-2.0
// Where commands that make clips take their prompt from.
#pragma once

#include <string>

namespace reel::cli {

// The text of that file, or of standard input for "-". Throws kBadFile when it is longer than any
// prompt.
std::string read_prompt(const std::string& path);

}  // namespace reel::cli
