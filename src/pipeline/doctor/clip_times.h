// SPDX-License-Identifier: Apache-2.0
// What a clip took, beside what it should have taken.
#pragma once

#include <reel/doctor.h>
#include <reel/plan.h>

#include <string>
#include <vector>

namespace reel::pipeline {

// What a clip's recipe says of its making.
struct MadeClip {
  std::string model_name, device;
  SamplingOptions sampling;
  struct Stage {
    std::string stage;
    double seconds = 0, stall_s = 0;
    uint64_t storage_bytes = 0;
  };
  std::vector<Stage> stages;
};

// Throws as read_recipe(), and kBadFile for a recipe without times.
MadeClip read_made_clip(const std::string& clip);

// A finding for each stage that the clip and the plan have.
std::vector<Finding> compare_times(const MadeClip& clip, const Plan& plan);

}  // namespace reel::pipeline
