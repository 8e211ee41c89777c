// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latent_shape.h"

#include <gtest/gtest.h>

namespace reel::pipeline {
namespace {

TEST(LatentShape, FollowsTheVaesStrides) {
  EXPECT_EQ(latent_shape({.frames = 81, .height_px = 480, .width_px = 832}),
            (Shape{16, 21, 60, 104}));
  EXPECT_EQ(latent_shape({.frames = 1, .height_px = 16, .width_px = 32}), (Shape{16, 1, 2, 4}));
}

TEST(VideoSize, UndoesTheLatentShape) {
  const VideoSize size = video_size({16, 21, 60, 104});
  EXPECT_EQ(size.frames, 81);
  EXPECT_EQ(size.height_px, 480);
  EXPECT_EQ(size.width_px, 832);
}

}  // namespace
}  // namespace reel::pipeline
