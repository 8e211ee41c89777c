// SPDX-License-Identifier: Apache-2.0
// The safetensors file that holds where a run stands between two steps.
#pragma once

#include <filesystem>

#include "pipeline/text_to_video.h"

namespace reel::pipeline {

// Replaces at once what the file held before. Throws kIo.
void write_denoise_state(const std::filesystem::path& path, const DenoiseState& state,
                         const RunSettings& settings);

// `fresh` brings the generator's kind and the shape of the latents. Throws kBadFile when the file
// is damaged or was written by a run with other settings.
DenoiseState read_denoise_state(const std::filesystem::path& path, const RunSettings& settings,
                                DenoiseState fresh);

}  // namespace reel::pipeline
