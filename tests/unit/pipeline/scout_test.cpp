// SPDX-License-Identifier: Apache-2.0
// Several seeds of a tiny random model: what is kept of them, and when nothing is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/engine.h>
#include <reel/scout.h>
#include <reel/synth.h>

#include <cstdlib>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

namespace fs = std::filesystem;
using testing::SizeIs;

fs::path tiny_model() {
  static const test::TempFolder folder;
  static const fs::path model = [] {
    synthesize({.layout = "distill_fp8", .out = folder / "model", .seed = 6});
    return folder / "model";
  }();
  return model;
}

class ScoutTest : public testing::Test, public Progress {
 protected:
  ScoutTest() {
    ::setenv("XDG_STATE_HOME", folder_.path().c_str(), 1);
    options_.model = tiny_model();
    options_.device = "cpu";
    request_.video.prompt = "a ball";
    request_.video.out = folder_ / "{seed}.y4m";
    request_.video.sampling.seed = 40;
    request_.video.sampling.width_px = request_.video.sampling.height_px = 16;
    request_.video.sampling.frames = 5;
    request_.seeds = 3;
    request_.sheet = folder_ / "sheet.png";
  }
  ~ScoutTest() override { ::unsetenv("XDG_STATE_HOME"); }

  void on_event(const ProgressEvent& event) override {
    if (event.stage == Stage::kDenoise && event.done == stop_at_) stop_requested = true;
  }
  bool has_jobs() const {
    const fs::path jobs = folder_.path() / "reel/jobs";
    return fs::exists(jobs) && !fs::is_empty(jobs);
  }

  test::TempFolder folder_;
  ModelOptions options_;
  ScoutRequest request_;
  int stop_at_ = -1;
};

TEST_F(ScoutTest, AContinuedSeedIsTheClipOfThatSeed) {
  request_.steps = 2;
  const ScoutResult result = scout(options_, request_, *this);

  EXPECT_TRUE(fs::exists(folder_ / "sheet.png"));
  ASSERT_THAT(result.seeds, SizeIs(3));
  Engine engine(options_);
  for (const ScoutedSeed& one : result.seeds) {
    VideoRequest whole = request_.video;
    whole.sampling.seed = one.seed;
    whole.out = folder_ / "whole.y4m";
    whole.overwrite = true;
    EXPECT_EQ(load_job(one.job_id).request.sampling.seed, one.seed);
    const VideoResult continued = engine.resume(one.job_id, *this);
    EXPECT_EQ(continued.path, (folder_ / std::to_string(one.seed)).string() + ".y4m");
    EXPECT_EQ(continued.frames_digest, engine.generate(whole, *this).frames_digest);
  }
  EXPECT_EQ(result.seeds[0].seed, 40u);
  EXPECT_EQ(result.seeds[2].seed, 42u);
  EXPECT_FALSE(has_jobs());
}

TEST_F(ScoutTest, ThatIsStoppedKeepsNothing) {
  stop_at_ = 2;
  EXPECT_REEL_ERROR(scout(options_, request_, *this), kCancelled, "");
  EXPECT_FALSE(has_jobs());
  EXPECT_FALSE(fs::exists(folder_ / "sheet.png"));
}

TEST_F(ScoutTest, IsCheckedBeforeAnythingIsComputed) {
  stop_at_ = 0;  // the first event of denoising would be another error
  ScoutRequest none = request_;
  none.seeds = 0;
  EXPECT_REEL_ERROR(scout(options_, none, *this), kInvalidArgument,
                    "seeds is 0; 1 to 32 are possible");
  ScoutRequest late = request_;
  late.steps = 5;
  EXPECT_REEL_ERROR(scout(options_, late, *this), kInvalidArgument,
                    "steps before the look are 5; 1 to 4 are possible");
  ScoutRequest jpeg = request_;
  jpeg.sheet = "sheet.jpg";
  EXPECT_REEL_ERROR(scout(options_, jpeg, *this), kInvalidArgument, "ends in .png is needed");
}

}  // namespace
}  // namespace reel
