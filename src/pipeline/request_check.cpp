// SPDX-License-Identifier: Apache-2.0
#include "pipeline/request_check.h"

#include <cmath>
#include <random>

#include "base/error.h"

namespace reel::pipeline {
namespace {

using checkpoint::Verdict;
using schedulers::SamplerKind;

constexpr int64_t kSizeMultiple = 16;  // 8 pixels a latent row, 2 latent rows a token
constexpr int64_t kMostPixels = wan_dit::kMostPositions * kSizeMultiple;
constexpr int64_t kMostFrames = (wan_dit::kMostPositions - 1) * 4 + 1;
constexpr int64_t kSmallestTrained = 480 * 832 / 2;
constexpr int64_t kLargestTrained = 720 * 1280 * 3 / 2;
constexpr int64_t kWidth14B = 5120;

int64_t check_side(const char* field, int64_t value, std::vector<std::string>& warnings) {
  REEL_REQUIRE(value >= kSizeMultiple && value <= kMostPixels, kInvalidArgument,
               str_cat(field, " is ", value, " pixels; ", kSizeMultiple, " to ", kMostPixels,
                       " are possible."),
               "Use --size 832x480.");
  const int64_t rounded = value / kSizeMultiple * kSizeMultiple;
  if (rounded != value) {
    warnings.push_back(str_cat(field, ' ', value, " rounded down to ", rounded,
                               " (must be a multiple of ", kSizeMultiple, ")."));
  }
  return rounded;
}

int64_t check_frames(int64_t frames, std::vector<std::string>& warnings) {
  REEL_REQUIRE(frames >= 1 && frames <= kMostFrames, kInvalidArgument,
               str_cat("frames is ", frames, "; 1 to ", kMostFrames, " are possible."),
               "Use --frames 81, or another number of the form 4n + 1.");
  const int64_t rounded = (frames - 1) / 4 * 4 + 1;
  if (rounded != frames) {
    warnings.push_back(
        str_cat("frames ", frames, " rounded down to ", rounded, " (must be 4n + 1)."));
  }
  return rounded;
}

void check_finite_positive(const char* field, float value) {
  REEL_REQUIRE(std::isfinite(value) && value > 0, kInvalidArgument,
               str_cat(field, " is ", value, "; it must be above 0."));
}

void check_steps(const SamplingOptions& options) {
  if (options.steps) {
    REEL_REQUIRE(*options.steps >= 1 && *options.steps <= 1000, kInvalidArgument,
                 str_cat("steps is ", *options.steps, "; 1 to 1000 are possible."),
                 "Leave --steps out for the model's own 4.");
  }
  REEL_REQUIRE(!options.steps || options.timesteps.empty() ||
                   options.timesteps.size() == static_cast<size_t>(*options.steps),
               kInvalidArgument,
               str_cat("steps is ", options.steps.value_or(0), " but timesteps lists ",
                       options.timesteps.size(), "."),
               "Give one of them.");
}

// The 4-step list, or what was asked for instead.
void fill_distilled(const SamplingOptions& options, RunSettings& run) {
  run.step_list = !options.timesteps.empty()
                      ? options.timesteps
                      : schedulers::distill_step_list(options.steps.value_or(4));
  run.levels = schedulers::distill_levels(run.step_list, run.shift);
}

// For a distilled model.
void warn_of_other_settings(const RunSettings& run, std::vector<std::string>& warnings) {
  if (run.step_list.size() != 4) {
    warnings.push_back(
        str_cat("The model was distilled for 4 steps; ", run.step_list.size(), " were asked for."));
  }
  if (run.guided()) {
    warnings.push_back(str_cat("The model was distilled without guidance; guidance ", run.guidance,
                               " doubles the time and usually looks worse than 1."));
  }
}

}  // namespace

VideoSize check_size(const SamplingOptions& options, const ModelFacts& facts,
                     std::vector<std::string>& warnings) {
  const VideoSize& fallback = facts.default_size;
  const VideoSize size{
      .frames = check_frames(options.frames.value_or(static_cast<int>(fallback.frames)), warnings),
      .height_px = check_side(
          "height", options.height_px.value_or(static_cast<int>(fallback.height_px)), warnings),
      .width_px = check_side(
          "width", options.width_px.value_or(static_cast<int>(fallback.width_px)), warnings)};
  const int64_t area = size.height_px * size.width_px;
  if (facts.states_its_size) {
    if (size.height_px != fallback.height_px || size.width_px != fallback.width_px) {
      warnings.push_back(str_cat("The model was trained at ", fallback.width_px, "x",
                                 fallback.height_px, " only; another size may look worse."));
    }
  } else if (area < kSmallestTrained || area > kLargestTrained) {
    warnings.push_back(str_cat("The model was trained at 832x480 and 1280x720; ", size.width_px,
                               "x", size.height_px, " is far from both and may look worse."));
  }
  return size;
}

CheckedRun check_sampling(const SamplingOptions& options, const ModelFacts& facts) {
  CheckedRun checked;
  RunSettings& run = checked.settings;
  const bool distilled = facts.verdict == Verdict::kDistilled;
  const bool is_14b = facts.dit.dim >= kWidth14B;
  run.size = check_size(options, facts, checked.warnings);
  run.seed = options.seed ? *options.seed : std::random_device{}();
  run.rng = schedulers::parse_noise_kind(options.rng);
  run.rng_gpu = {options.rng_sm_count.value_or(facts.noise_gpu.sm_count),
                 options.rng_threads_per_sm.value_or(facts.noise_gpu.threads_per_sm)};
  run.sampler = !options.sampler.empty() ? schedulers::parse_sampler(options.sampler)
                : distilled              ? SamplerKind::kLcm
                                         : SamplerKind::kUniPc;
  run.shift = options.shift.value_or(distilled || is_14b ? 5.0f : 8.0f);
  run.guidance = options.guidance.value_or(distilled ? 1.0f : is_14b ? 5.0f : 6.0f);
  check_finite_positive("shift", run.shift);
  REEL_REQUIRE(std::isfinite(run.guidance) && run.guidance >= 0, kInvalidArgument,
               str_cat("guidance is ", run.guidance, "; it must be 0 or more."));
  check_steps(options);
  if (run.sampler != SamplerKind::kUniPc) {
    fill_distilled(options, run);
    if (distilled) {
      warn_of_other_settings(run, checked.warnings);
    } else {
      checked.warnings.push_back(str_cat("The ", schedulers::sampler_name(run.sampler),
                                         " sampler is for distilled models; this one is a base "
                                         "model, made for unipc."));
    }
    return checked;
  }
  REEL_REQUIRE(options.timesteps.empty(), kInvalidArgument,
               "timesteps does not go with the unipc sampler, which makes its own.",
               "Use --steps, or --sampler lcm.");
  if (distilled) {
    checked.warnings.push_back(
        "The unipc sampler is for base models; this one was distilled for lcm.");
  }
  run.levels = schedulers::unipc_levels(options.steps.value_or(distilled ? 4 : 50), run.shift);
  return checked;
}

}  // namespace reel::pipeline
