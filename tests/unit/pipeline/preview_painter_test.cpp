// SPDX-License-Identifier: Apache-2.0
#include "pipeline/preview_painter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/synth.h>

#include <algorithm>

#include "media/shrink.h"
#include "pipeline/text_to_video.h"
#include "support/random_tensor.h"
#include "support/temp_folder.h"
#include "unit/pipeline/counting_latents.h"

namespace reel::pipeline {
namespace {

using testing::ElementsAre;

// Channel 0 is grey, the others show nothing.
std::vector<int> levels(const std::vector<media::Frame>& frames) {
  std::vector<int> first;
  for (const media::Frame& frame : frames) first.push_back(frame.rgb[0]);
  return first;
}

std::vector<media::Frame> drawn(const Tensor& clean, int most_frames) {
  return PreviewPainter(test::kGrey).paint(clean, most_frames);
}

TEST(PreviewPainter, AreSpreadOverTheClip) {
  EXPECT_THAT(levels(drawn(test::counting_latents(21, 2, 2), 6)),
              ElementsAre(0, 40, 80, 120, 160, 200));
  EXPECT_THAT(levels(drawn(test::counting_latents(3, 2, 2), 6)), ElementsAre(0, 10, 20));
  EXPECT_THAT(levels(drawn(test::counting_latents(9, 2, 2), 1)), ElementsAre(0));
}

TEST(PreviewPainter, AreAtMost256PxAndNoLargerThanTheClip) {
  const auto size = [](int64_t rows, int64_t cols) {
    const auto frames = drawn(test::counting_latents(1, rows, cols), 1);
    return std::pair(frames[0].width_px, frames[0].height_px);
  };
  EXPECT_EQ(size(16, 16), std::pair(128, 128));
  EXPECT_EQ(size(60, 104), std::pair(208, 120));
  EXPECT_EQ(size(90, 160), std::pair(160, 90));
  EXPECT_EQ(size(400, 20), std::pair(20, 400));
}

// What the same TAE makes of the latents when it decodes them.
TEST(PreviewPainter, ShowsFramesOfATaeMadeSmaller) {
  const test::TempFolder folder;
  synthesize({.layout = "distill_fp8", .out = folder / "model"});
  synthesize({.layout = "decoder:taew2_1.pth", .out = folder / "tae"});
  ModelOptions options;
  options.model = folder / "model";
  options.vae = options.preview_decoder = folder / "tae/taew2_1.pth";
  options.device = "cpu";
  Progress progress;
  const OpenModel model(options, Parts{}, progress);
  const StopFlag stop;
  Runtime runtime(options, stop);
  const Tensor clean = test::random_tensor({16, 4, 2, 64}, DType::kF32, 5);
  const VideoSize size = video_size(clean.shape());
  ProgressClock clock(progress);
  std::vector<media::Frame> whole;
  decode_latents(model, runtime, clean, clock, [&](const TensorView& pixels) {
    media::Frame& frame =
        whole.emplace_back(static_cast<int>(size.height_px), static_cast<int>(size.width_px));
    media::to_rgb8({pixels.as<float>(), static_cast<size_t>(pixels.elements())},
                   media::PixelRange::kSigned, frame.rgb);
  });

  PreviewPainter painter(model, size, runtime);
  for (int again = 0; again < 2; ++again) {
    const std::vector<media::Frame> frames = painter.paint(clean, 3);

    ASSERT_EQ(frames.size(), 3u);
    EXPECT_EQ(frames[0].width_px, 256);  // half of 512
    const int shown[] = {0, 4, 12};      // latent frames 0, 1 and 3
    for (size_t at = 0; at < frames.size(); ++at) {
      const media::Frame& frame = whole[static_cast<size_t>(shown[at])];
      EXPECT_EQ(frames[at].rgb, media::shrink(frame.view(), 2).rgb) << at;
    }
  }
}

}  // namespace
}  // namespace reel::pipeline
