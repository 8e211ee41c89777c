// SPDX-License-Identifier: Apache-2.0
// What a stage takes from the file of the one before, checked (docs: reel/stages.h).
#pragma once

#include <string>

#include "pipeline/request_check.h"
#include "pipeline/stage_files.h"
#include "pipeline/text_to_video.h"

namespace reel::pipeline {

// All throw kBadFile naming `path` for tensors that are missing, have another shape or dtype, or
// hold numbers that are not finite.

// The text states' real rows: those of the mask, or up to the last that is not all zeros. Throws
// kInvalidArgument when the settings are guided and there is no negative prompt.
EncodedPrompts take_prompts(const RunSettings& settings, StageFile& file, const std::string& path,
                            int64_t text_dim);

// Replaces what the seed gave by what a file holds: the initial noise, and noise for as many steps
// as draw some. Throws kNotFound too.
void use_noise_file(const std::string& path, int64_t drawing_steps, DenoiseState& state);

// [16, T', h, w] f32.
Tensor take_latents(StageFile& file, const std::string& path);

}  // namespace reel::pipeline
