// SPDX-License-Identifier: Apache-2.0
#include "server/clip_request.h"

#include "base/error.h"

namespace reel::server {
namespace {

void check_range(const char* field, const std::optional<int>& value, int least, int most) {
  REEL_REQUIRE(!value || (*value >= least && *value <= most), kInvalidArgument,
               str_cat(field, " is ", *value, "; ", least, " to ", most, " are possible."));
}

void check_text(const char* field, const std::string& text) {
  REEL_REQUIRE(
      text.size() <= kMostPromptBytes, kInvalidArgument,
      str_cat(field, " has ", text.size(), " bytes; at most ", kMostPromptBytes, " are possible."));
}

}  // namespace

void check_limits(const ClipRequest& request) {
  check_text("prompt", request.prompt);
  check_text("negative_prompt", request.negative_prompt);
  check_range("width", request.width_px, 16, kLongestSidePx);
  check_range("height", request.height_px, 16, kLongestSidePx);
  if (request.width_px && request.height_px) {
    const int64_t pixels = int64_t{*request.width_px} * *request.height_px;
    REEL_REQUIRE(pixels <= kMostPixels, kInvalidArgument,
                 str_cat("size is ", *request.width_px, 'x', *request.height_px, ", ", pixels,
                         " pixels; at most ", kMostPixels, " are possible."));
  }
  check_range("frames", request.frames, 1, kMostFrames);
  check_range("steps", request.steps, 1, kMostSteps);
  check_range("look_after", request.look_after, 1, kMostSteps);
  check_range("fps", request.fps, 1, 240);
}

}  // namespace reel::server
