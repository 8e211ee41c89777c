// SPDX-License-Identifier: Apache-2.0
// The first stage of a clip: a prompt becomes text states, or they are found in the cache.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include <string>
#include <vector>

#include "pipeline/run_meter.h"
#include "pipeline/text_to_video.h"

namespace reel::pipeline {

// What Wan's own program uses where guidance is on and no negative prompt was given.
const std::string& usual_negative_prompt();

// The ids of the prompt, and of the negative one under guidance.
std::vector<std::vector<int32_t>> tokenize_request(const OpenModel& model,
                                                   const VideoRequest& request,
                                                   const RunSettings& settings, Progress& progress);

struct EncodedText {
  EncodedPrompts prompts;
  bool was_cached = false;
};

// Measured as a stage of its own.
EncodedText run_text_stage(const OpenModel& model, Runtime& runtime,
                           const std::vector<std::vector<int32_t>>& ids, RunMeter& meter,
                           ProgressClock& clock, Progress& progress);

}  // namespace reel::pipeline
