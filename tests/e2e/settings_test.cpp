// SPDX-License-Identifier: Apache-2.0
// How the program is told what to do - flags, file, environment - and what it tells of itself.
#include <gtest/gtest.h>

#include <sstream>

#include "e2e/answers.h"
#include "e2e/damage.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

TEST(CommandLine, CountMakesClipsWithSeedsThatFollow) {
  Scene scene;
  scene.generate({"--count", "2", "--out", "out/{seed}.y4m"});

  const Outcome outcome = expect_ok(scene);

  EXPECT_EQ(outcome.out, "out/1.y4m\nout/2.y4m\n");
  EXPECT_NE(read_all(scene / "out/1.y4m"), read_all(scene / "out/2.y4m"));
}

TEST(CommandLine, ASeedRangeMakesAClipOfEachSeed) {
  Scene scene;
  scene.generate({"--seed", "4..6", "--out", "out/{seed}.y4m"});

  EXPECT_EQ(expect_ok(scene).out, "out/4.y4m\nout/5.y4m\nout/6.y4m\n");
  const std::string last = read_all(scene / "out/6.y4m");
  EXPECT_NE(read_all(scene / "out/4.y4m"), last);

  scene.generate({"--seed", "6", "--out", "out/alone.y4m"});
  expect_ok(scene);
  EXPECT_EQ(read_all(scene / "out/alone.y4m"), last);
}

TEST(CommandLine, TheVersionTellsWhatWasBuiltIn) {
  Scene scene;
  const std::string out = expect_ok(scene.reel({"--version"})).out;

  EXPECT_TRUE(out.starts_with("reel 0.1.0 (")) << out;
  EXPECT_NE(out.find("\n" REEL_CUDA_BUILD "\n"), std::string::npos) << out;
  EXPECT_NE(out.find("\nMP4 through FFmpeg, with the first that it has of libx264, "),
            std::string::npos)
      << out;
}

TEST(CommandLine, SettingsComeFromFileAndEnvironmentAndFlagsWin) {
  Scene scene;
  write_bytes(scene / "reel.toml", "frames = 5\nseed = 9\n");
  scene.reel({"generate", "--model", "model", "--prompt", "a ball", "--config", "reel.toml",
              "--seed", "3", "--out", "out/clip.mp4", "--json"});

  const json made = answer(scene);

  EXPECT_EQ(made.at("frames"), 5);
  EXPECT_EQ(made.at("seed"), 3);
}

TEST(CommandLine, AConfigFileStandsAboveTheEnvironment) {
  Scene scene;
  write_bytes(scene / "reel.toml", "frames = 5\n");
  scene.command.environment = {{"REEL_FRAMES", "9"}, {"REEL_SEED", "7"}};
  scene.reel({"generate", "--model", "model", "--prompt", "a ball", "--config", "reel.toml",
              "--out", "out/clip.mp4", "--json"});

  const json made = answer(scene);

  EXPECT_EQ(made.at("frames"), 5);
  EXPECT_EQ(made.at("seed"), 7);
}

TEST(CommandLine, TheLogFileHoldsTheRun) {
  Scene scene;
  scene.generate({"--log-file", "run.log"});
  expect_ok(scene);

  EXPECT_GT(fs::file_size(scene / "run.log"), 0u);
}

TEST(CommandLine, HelpListsEveryCommandAndEveryCommandHasHelp) {
  Scene scene;
  const std::string usage = expect_ok(scene.reel({"--help"})).out;

  for (const char* name : {"generate", "encode-text", "denoise", "decode", "inspect", "plan",
                           "bench", "eval", "synth", "replay", "infer", "completions", "man"}) {
    EXPECT_NE(usage.find(name), std::string::npos) << name;
    EXPECT_NE(expect_ok(scene.reel({name, "--help"})).out.find("--help"), std::string::npos);
  }
}

// The lines below "Examples:", run as a shell runs them, with the scene's model in the place of the
// demo model.
// What --help ends with, without the lines that serve, ask a hub or wait for an answer.
std::string examples_in_help(Scene& scene, const std::string& command) {
  const std::string help = expect_ok(scene.reel({command, "--help"})).out;
  const size_t at = help.find("Examples:\n");
  EXPECT_NE(at, std::string::npos) << help;
  std::istringstream lines(at == std::string::npos ? "" : help.substr(help.find('\n', at) + 1));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    bool is_left_out = false;
    for (const char* words : {"--server", "reel pull wan", "reel pull maker", "models rm"}) {
      is_left_out = is_left_out || line.find(words) != std::string::npos;
    }
    if (!is_left_out) kept += line + '\n';
  }
  return kept;
}

TEST(CommandLine, TheExamplesOfEveryCommandRun) {
  Scene scene;
  std::string script = "reel() { \"$program\" \"$@\"; }; program=$1\n";
  for (const char* command :
       {"generate", "encode-text", "denoise", "decode", "replay", "scout", "inspect", "plan",
        "bench", "eval", "doctor", "synth", "convert", "models", "pull", "completions", "man"}) {
    script += examples_in_help(scene, command);
  }
  script += "REEL_DRY_RUN=true\nexport REEL_DRY_RUN\n" + examples_in_help(scene, "infer");
  write_bytes(scene / "prompt.txt", "a green heart over the sea");
  write_bytes(scene / "my.json", "{}");
  fs::create_directory(scene / "models");
  fs::create_directory_symlink(scene / "model", scene / "models/wan2.1-t2v-14b-fp8");
  scene.command.environment = {{"REEL_MODEL", "model"},
                               {"REEL_MODELS", (scene / "models").string()},
                               {"REEL_DEVICE", "cpu"},
                               {"REEL_QUICK", "true"}};

  scene.command.started_by = {"sh", "-euc", script, "sh"};
  expect_ok(scene.reel({}));

  for (const char* made :
       {"ball.mp4", "clip-1.mp4", "clip-8.mp4", "decoded.mp4", "hearts.png", "report.json",
        "model/distill_fp8/reel.slab", "headers/config.json", "reel.bash", "reel.1"}) {
    EXPECT_TRUE(fs::exists(scene / made)) << made;
  }
}

TEST(CommandLine, CompletionsAndManualKnowTheFlags) {
  Scene scene;

  EXPECT_NE(expect_ok(scene.reel({"completions", "bash"})).out.find("--guidance"),
            std::string::npos);
  EXPECT_NE(expect_ok(scene.reel({"man"})).out.find("guidance"), std::string::npos);
}

}  // namespace
}  // namespace reel::test
