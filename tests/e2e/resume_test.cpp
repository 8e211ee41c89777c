// SPDX-License-Identifier: Apache-2.0
// What may be given anew when a job is resumed. That it ends in the same bytes is tested where it
// was stopped (stop_test.cpp, fault_test.cpp) and scouted (preview_test.cpp).
#include <gtest/gtest.h>

#include "e2e/answers.h"
#include "e2e/damage.h"
#include "e2e/scene.h"
#include "formats/mp4_comment.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

class Resume : public testing::Test {
 protected:
  // A job of seed 4 that has taken one step and would write out/first.y4m.
  Resume() {
    expect_ok(
        scene_.reel({"scout", "--model", "model", "--device", "cpu", "--prompt", "a ball", "--seed",
                     "4", "--seeds", "1", "--out", "out/first.y4m", "--sheet", "out/sheet.png"}));
    const auto jobs = saved_jobs(scene_.folder());
    EXPECT_EQ(jobs.size(), 1u);
    if (!jobs.empty()) job_ = jobs.front();
  }

  Scene& resume(const std::vector<std::string>& more) {
    std::vector<std::string> args{"generate", "--resume", job_};
    args.insert(args.end(), more.begin(), more.end());
    return scene_.reel(args);
  }

  std::string bytes_of_seed_4() {
    scene_.generate({"--seed", "4", "--out", "out/whole.y4m"});
    expect_ok(scene_);
    return read_all(scene_ / "out/whole.y4m");
  }

  Scene scene_;
  std::string job_;
};

TEST_F(Resume, GoesWhereItIsTold) {
  const std::string whole = bytes_of_seed_4();

  expect_ok(resume({"--out", "out/other-{seed}.y4m", "--preview", "out/seen", "--threads", "1"}));

  EXPECT_EQ(read_all(scene_ / "out/other-4.y4m"), whole);
  EXPECT_FALSE(fs::exists(scene_ / "out/first.y4m"));
  EXPECT_FALSE(fs::exists(scene_ / "out/seen/step-1.png"));  // that step was taken before
  for (const char* name : {"step-2.png", "step-3.png", "step-4.png"}) {
    EXPECT_TRUE(fs::exists(scene_ / "out/seen" / name)) << name;
  }
  EXPECT_TRUE(saved_jobs(scene_.folder()).empty());
}

TEST_F(Resume, HasTheRecipeOfAWholeRun) {
  const auto recipe_of = [&](const std::string& clip) {
    auto recipe = nlohmann::json::parse(formats::read_mp4_comment(scene_ / clip).value());
    recipe.erase("measured");
    return recipe;
  };
  scene_.generate({"--seed", "4", "--out", "out/whole.mp4"});
  expect_ok(scene_);

  expect_ok(resume({"--out", "out/rest.mp4"}));

  EXPECT_EQ(recipe_of("out/rest.mp4"), recipe_of("out/whole.mp4"));
}

TEST_F(Resume, ReplacesAFileOnlyWhenForced) {
  const std::string whole = bytes_of_seed_4();
  write_bytes(scene_ / "out/first.y4m", "the only copy of something");

  const Outcome refused = run_program(resume({}).command);

  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("first.y4m\" exists already."), std::string::npos) << refused.err;
  EXPECT_EQ(read_all(scene_ / "out/first.y4m"), "the only copy of something");
  EXPECT_EQ(saved_jobs(scene_.folder()).size(), 1u);
  expect_ok(resume({"--force"}));
  EXPECT_EQ(read_all(scene_ / "out/first.y4m"), whole);
}

// `reel denoise` goes on from the same file.
TEST_F(Resume, AStageGoesOnFromAStateFile) {
  const auto denoise = [&](const std::vector<std::string>& more) -> Scene& {
    std::vector<std::string> args{"denoise", "--model", "model",        "--device",
                                  "cpu",     "--text",  "t.safetensors"};
    args.insert(args.end(), more.begin(), more.end());
    return scene_.reel(args);
  };
  expect_ok(scene_.reel({"encode-text", "--model", "model", "--device", "cpu", "--prompt", "a ball",
                         "--out", "t.safetensors"}));
  const fs::path saved = scene_.folder() / "state/reel/jobs" / job_ / "state.safetensors";
  fs::copy_file(saved, scene_ / "state.safetensors");

  expect_ok(denoise({"--seed", "4", "--out", "whole.safetensors"}));
  const Outcome refused =
      run_program(denoise({"--seed", "5", "--state", "state.safetensors", "--out", "no"}).command);
  expect_ok(denoise({"--seed", "4", "--state", "state.safetensors", "--preview", "seen", "--out",
                     "rest.safetensors"}));

  EXPECT_EQ(refused.exit_code, 5);
  EXPECT_NE(refused.err.find("with other settings"), std::string::npos) << refused.err;
  EXPECT_EQ(read_all(scene_ / "rest.safetensors"), read_all(scene_ / "whole.safetensors"));
  EXPECT_FALSE(fs::exists(scene_ / "seen/step-1.png"));  // that step was taken before
  EXPECT_TRUE(fs::exists(scene_ / "seen/step-2.png"));
  EXPECT_FALSE(fs::exists(scene_ / "state.safetensors"));
}

// What a user has set for every run is no reason to refuse one.
TEST_F(Resume, IsNotRefusedForWhatTheEnvironmentSets) {
  const std::string whole = bytes_of_seed_4();
  scene_.command.environment = {{"REEL_SEED", "9"}, {"REEL_FRAMES", "9"}};

  expect_ok(resume({}));

  EXPECT_EQ(read_all(scene_ / "out/first.y4m"), whole);
}

}  // namespace
}  // namespace reel::test
