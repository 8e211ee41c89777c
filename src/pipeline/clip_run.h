// SPDX-License-Identifier: Apache-2.0
// One clip from prompt to frames, with what it took: shared by generate, resume and replay.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "media/frame.h"
#include "pipeline/clip_planner.h"
#include "pipeline/job_state.h"
#include "pipeline/recipe.h"
#include "pipeline/text_to_video.h"

namespace reel::pipeline {

// Who planned a run on a GPU, and for what.
struct Planned {
  ClipPlanner planner;
  ClipSize clip;
};

// On a GPU: decides what lives where for the stages that follow, and takes the memory for it.
// Throws kOutOfMemory with what would fit. Nothing on the CPU.
std::optional<Planned> obey_plan(const OpenModel& model, const ClipStages& stages,
                                 const ClipSize& clip, Runtime& runtime);

// Why FP8 weights are not multiplied as FP8, in one line; empty where they are, or are none.
std::string why_int8(const OpenModel& model, const Runtime& runtime);

struct ClipRun {
  WeightDigests weights;
  std::vector<LoraRecord> loras;
  RunReport report;
};

// Encodes, denoises and decodes. With a `job` every step is saved, and what the job has reached
// before is not done again.
ClipRun run_clip(const OpenModel& model, Runtime& runtime, const VideoRequest& request,
                 const RunSettings& settings, Job* job, Progress& progress,
                 const std::function<void(const media::FrameView&)>& on_frame);

// The recipe's entries that the denoising stage decides, but for digests.
void describe_denoising(const OpenModel& model, const RunSettings& settings, const Runtime& runtime,
                        Recipe& recipe);

// And its decoder.
void describe_decoder(const OpenModel& model, Recipe& recipe);

// The recipe of a run, all but the digest of its frames.
Recipe describe_clip(const OpenModel& model, const std::string& prompt,
                     const std::string& negative_prompt, const RunSettings& settings,
                     const Runtime& runtime, const ClipRun& clip, int fps);

}  // namespace reel::pipeline
