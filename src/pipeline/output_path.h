// SPDX-License-Identifier: Apache-2.0
// Where a clip goes: the seed in its name, never over another file unless asked.
#pragma once

#include <cstdint>
#include <string>

namespace reel::pipeline {

// Replaces "{seed}"; an empty `wanted` becomes reel-<seed>.mp4, numbered when that exists. Throws
// kInvalidArgument when the file exists and `overwrite` is false, kIo when its folder cannot be
// written.
std::string choose_output_path(const std::string& wanted, uint64_t seed, bool overwrite);

}  // namespace reel::pipeline
