// SPDX-License-Identifier: Apache-2.0
// What the shell sees.
#pragma once

#include <reel/error.h>

namespace reel::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitDiffers =
    1;  // replay: the frames are not the same; eval --check: too far; doctor: a problem

int exit_code(ErrorCode code);

}  // namespace reel::cli
