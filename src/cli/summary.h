// SPDX-License-Identifier: Apache-2.0
// The last lines of a run: how long, what moved, how much memory.
#pragma once

#include <reel/report.h>

#include <string>
#include <vector>

namespace reel::cli {

// "17.1 s (text 0.7, denoise 12.7, decode 3.3)"
std::string summary_of_time(const RunReport& report);
// One line each about the weights that moved, memory, kernels, and on a GPU what else would fit.
std::vector<std::string> summary_lines(const RunReport& report);

}  // namespace reel::cli
