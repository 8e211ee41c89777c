// SPDX-License-Identifier: Apache-2.0
// The program without its module for FFmpeg's libraries, as where those are not installed: with an
// `ffmpeg` on the PATH, and with none.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/child_program.h"
#include "e2e/scene.h"
#include "formats/mp4_comment.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

// A copy of the program in a folder bin/ without a lib/ beside it, and a PATH with no program.
class WithoutFfmpeg : public testing::Test {
 protected:
  WithoutFfmpeg() {
    fs::create_directories(scene_ / "alone/bin");
    fs::create_directory(scene_ / "programs");
    fs::copy_file(Command().program, scene_ / "alone/bin/reel");
    scene_.command.program = scene_ / "alone/bin/reel";
    scene_.command.path = scene_ / "programs";
  }

  void give_ffmpeg() const {
    fs::create_symlink(find_program("ffmpeg").value(), scene_ / "programs/ffmpeg");
  }

  Scene scene_;
};

TEST_F(WithoutFfmpeg, ANamedMp4IsRefused) {
  const Outcome outcome = run_program(scene_.command);

  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  ASSERT_EQ(outcome.error_lines().size(), 2u) << outcome.err;
  EXPECT_NE(
      outcome.err.find("\"out/clip.mp4\" cannot be written: there is no ffmpeg program on the "
                       "PATH, and FFmpeg's libraries cannot be used (libreel_ffmpeg.so: "),
      std::string::npos)
      << outcome.err;
  EXPECT_TRUE(fs::is_empty(scene_ / "out"));
}

TEST_F(WithoutFfmpeg, AClipWithoutANameIsY4m) {
  scene_.reel(
      {"generate", "--model", "model", "--device", "cpu", "--prompt", "a ball", "--seed", "7"});

  const Outcome outcome = run_program(scene_.command);

  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "reel-7.y4m\n");
  EXPECT_NE(outcome.err.find("The clip is written as Y4M"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("Install ffmpeg"), std::string::npos) << outcome.err;
  EXPECT_TRUE(read_all(scene_ / "reel-7.y4m").starts_with("YUV4MPEG2 W16 H16"));
}

// Rather than every clip that it is asked for.
TEST_F(WithoutFfmpeg, AServerDoesNotStart) {
  const Outcome outcome =
      run_program(scene_.reel({"serve", "--port", "0", "--data", "out/server"}).command);

  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  ASSERT_EQ(outcome.error_lines().size(), 2u) << outcome.err;
  EXPECT_TRUE(outcome.error_lines()[0].find("MP4 files cannot be written: there is no ffmpeg") !=
              std::string::npos)
      << outcome.err;
  EXPECT_FALSE(fs::exists(scene_ / "out/server"));
}

TEST_F(WithoutFfmpeg, PngFramesNeedNothing) {
  scene_.generate({"--out", "out/frames"});

  EXPECT_EQ(run_program(scene_.command).exit_code, 0);
  EXPECT_TRUE(fs::exists(scene_ / "out/frames/frame-0001.png"));
}

TEST_F(WithoutFfmpeg, TheUsersProgramWritesAClipThatReplays) {
  give_ffmpeg();
  const Outcome made = run_program(scene_.command);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(made.out, "out/clip.mp4\n");

  const auto comment = formats::read_mp4_comment(scene_ / "out/clip.mp4");
  const auto recipe = nlohmann::json::parse(comment.value_or(""), nullptr, false);
  EXPECT_EQ(recipe.value("prompt", ""), "a ball");
  const Outcome replayed =
      run_program(scene_.reel({"replay", "out/clip.mp4", "--model", "model"}).command);
  EXPECT_EQ(replayed.out, "equal\n") << replayed.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(scene_ / "out"), {}), 1);
}

TEST_F(WithoutFfmpeg, AFullDiskIsNamedByTheUsersProgramToo) {
  give_ffmpeg();
  scene_.generate({"--size", "64x64", "--frames", "33", "--quality", "0"});
  scene_.command.most_file_bytes = 80'000;

  const Outcome outcome = run_program(scene_.command);

  EXPECT_EQ(outcome.exit_code, 8) << outcome.err;
  EXPECT_NE(outcome.err.find("Cannot write \"out/clip.mp4\": File too large."), std::string::npos)
      << outcome.err;
  EXPECT_TRUE(fs::is_empty(scene_ / "out"));
}

}  // namespace
}  // namespace reel::test
