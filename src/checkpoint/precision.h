// SPDX-License-Identifier: Apache-2.0
// The number format of a network's matrices, and what its layout is called.
#pragma once

#include <string>

#include "checkpoint/candidates.h"
#include "checkpoint/scales.h"

namespace reel::checkpoint {

// Throws kBadFile, naming two files, when they have no format of their matrices in common.
void refuse_mixed_precision(const Candidate& candidate);

// "per-block FP8 (LightX2V)", "ComfyUI scaled FP8", "GGUF Q4_K", "diffusers BF16, 3 files", ...
std::string layout_name(const Candidate& candidate, ScaleStyle style, const std::string& precision);

}  // namespace reel::checkpoint
