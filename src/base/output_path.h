// SPDX-License-Identifier: Apache-2.0
// Where a clip goes: the seed in its name, never over another file unless asked.
#pragma once

#include <cstdint>
#include <string>

namespace reel {

// Replaces "{seed}"; an empty `wanted` becomes reel-<seed> and `extension`, numbered when that
// exists. Throws kInvalidArgument when the file exists and `overwrite` is false, kIo when its
// folder cannot be written.
std::string choose_output_path(const std::string& wanted, uint64_t seed, bool overwrite,
                               const std::string& extension = ".mp4");

// The folder of a run's previews, which need not exist yet: replaces "{seed}". Throws kIo when it
// is no folder or cannot be written.
std::string choose_preview_folder(const std::string& wanted, uint64_t seed);

}  // namespace reel
