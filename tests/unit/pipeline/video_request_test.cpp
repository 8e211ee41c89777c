// SPDX-License-Identifier: Apache-2.0
#include "pipeline/video_request.h"

#include <gtest/gtest.h>
#include <reel/synth.h>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

VideoRequest ball() {
  VideoRequest request;
  request.prompt = "a ball";
  return request;
}

TEST(VideoRequest, IsCheckedWithoutAModel) {
  check_request(ball());
  VideoRequest request = ball();
  request.fps = 0;
  EXPECT_REEL_ERROR(check_request(request), kInvalidArgument, "fps is 0");
  request = ball();
  request.quality = 52;
  EXPECT_REEL_ERROR(check_request(request), kInvalidArgument, "quality is 52");
  request = ball();
  request.prompt = " ";
  EXPECT_REEL_ERROR(check_request(request), kInvalidArgument, "The prompt is empty");
  request = ball();
  request.frames_only = true;
  request.out = "clip.mp4";
  EXPECT_REEL_ERROR(check_request(request), kInvalidArgument, "only frames are wanted");
}

TEST(VideoRequest, IsCompletedSoThatItCanBeRepeated) {
  const test::TempFolder folder;
  synthesize({.layout = "distill_fp8", .out = folder / "model", .seed = 9});
  ModelOptions options;
  options.model = folder / "model";
  options.device = "cpu";
  Progress progress;
  const OpenModel model(options, Parts{}, progress);
  VideoRequest request = ball();
  request.out = folder / "{seed}.y4m";
  request.preview_dir = folder / "seen-{seed}";

  const CompleteRequest first = complete_request(request, model, progress);
  const CompleteRequest again = complete_request(first.request, model, progress);

  ASSERT_TRUE(first.request.sampling.seed.has_value());
  EXPECT_EQ(first.settings.seed, *first.request.sampling.seed);
  EXPECT_EQ(again.settings.seed, first.settings.seed);
  EXPECT_EQ(again.settings.levels.sigmas, first.settings.levels.sigmas);
  const std::string seed = std::to_string(first.settings.seed);
  EXPECT_EQ(first.request.out, (folder / (seed + ".y4m")).string());
  EXPECT_EQ(first.request.preview_dir, (folder / ("seen-" + seed)).string());
}

}  // namespace
}  // namespace reel::pipeline
