// SPDX-License-Identifier: Apache-2.0
// What a client asks for: what it leaves out gets the model's default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace reel::server {

struct ClipRequest {
  std::string prompt, negative_prompt;
  std::optional<int> width_px, height_px, frames, steps, fps;
  std::optional<uint64_t> seed;
  std::string sampler;
  std::optional<float> shift, guidance;
  std::optional<int> look_after;  // steps after which the clip is held
  std::string id;                 // empty: one is made
  std::string wanted_name;        // of the file when it is downloaded
};

// The most that a server makes of one request, whatever its model could.
constexpr int kLongestSidePx = 1920;
constexpr int64_t kMostPixels = int64_t{1920} * 1088;
constexpr int kMostFrames = 481;
constexpr int kMostSteps = 100;
constexpr size_t kMostPromptBytes = 8192;

// Throws kInvalidArgument naming the field.
void check_limits(const ClipRequest& request);

}  // namespace reel::server
