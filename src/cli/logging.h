// SPDX-License-Identifier: Apache-2.0
// Where the library's log lines go: the terminal with -v, a file with --log-file.
#pragma once

#include <string>

namespace reel::cli {

// `verbosity` 0: warnings only, 1: stages, 2: everything. The file gets everything with times.
// Throws kIo when it cannot be written.
void start_logging(int verbosity, const std::string& file);

}  // namespace reel::cli
