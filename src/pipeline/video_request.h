// SPDX-License-Identifier: Apache-2.0
// The request of a clip, checked and completed.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include "pipeline/open_model.h"

namespace reel::pipeline {

// What can be checked without a model. Throws kInvalidArgument.
void check_request(const VideoRequest& request);

// Where the clip and its previews go, when they go anywhere.
void choose_output(VideoRequest& request, uint64_t seed, Progress& progress);

// A request with every gap filled, and what that comes to.
struct CompleteRequest {
  VideoRequest request;
  RunSettings settings;
};
CompleteRequest complete_request(VideoRequest request, const OpenModel& model, Progress& progress);

}  // namespace reel::pipeline
