// SPDX-License-Identifier: Apache-2.0
// Which build of the library this is.
#pragma once

#include <string>

namespace reel {

inline constexpr const char* kVersion = "0.1.0";

// One line: version, backends compiled in, CPU kernels that will run here.
std::string build_summary();

// Two lines: the CUDA and the GPUs it was built for, and the encoders of MP4 files that are tried.
std::string build_features();

}  // namespace reel
