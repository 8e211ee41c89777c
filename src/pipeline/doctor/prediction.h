// SPDX-License-Identifier: Apache-2.0
// How long a clip should take on this machine.
#pragma once

#include <reel/doctor.h>
#include <reel/plan.h>

#include <vector>

namespace reel::pipeline {

// Of the request's model; without one, of the 14B's FP8 folder, whose headers are written to a
// temporary folder for that.
Plan predict_clip(const DoctorRequest& request, Progress& progress);

// Whether it fits, how long it takes, and what a faster link or disk would change.
std::vector<Finding> findings_on(const Plan& plan);

}  // namespace reel::pipeline
