// SPDX-License-Identifier: Apache-2.0
#include "cli/clip_answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reel::cli {
namespace {

TEST(ClipAnswer, ARequestIsDescribedInOneLine) {
  VideoRequest request{.out = "clip.mp4", .fps = 24};
  request.sampling.seed = 7;
  request.sampling.width_px = 832;
  request.sampling.height_px = 480;
  request.sampling.frames = 81;
  request.sampling.steps = 4;
  request.sampling.shift = 5;
  request.sampling.guidance = 1;
  request.sampling.sampler = "euler";

  EXPECT_EQ(describe(request),
            "would make clip.mp4: 832 wide x 480 high, 81 frames at 24 fps, 4 steps with euler, "
            "shift 5, guidance 1, seed 7");
}

TEST(ClipAnswer, AResultIsJsonWhateverThePathHolds) {
  VideoResult result;
  result.path = "clip \xff.mp4";
  result.seed = 7;
  result.frames = 81;
  result.recipe_json = R"({"prompt": "a ball"})";

  const auto made = nlohmann::json::parse(as_json(result));

  EXPECT_EQ(made.at("seed"), 7);
  EXPECT_EQ(made.at("frames"), 81);
  EXPECT_EQ(made.at("recipe").at("prompt"), "a ball");
  EXPECT_TRUE(made.at("path").get<std::string>().starts_with("clip "));
}

}  // namespace
}  // namespace reel::cli
