// SPDX-License-Identifier: Apache-2.0
// Programs named ffmpeg that go wrong. What a right one writes: mp4_writer_test.cpp.
#include "media/ffmpeg_program.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "decoded_clip.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::media {
namespace {

namespace fs = std::filesystem;

constexpr WriterOptions kOptions{.width_px = 64, .height_px = 64, .frame_rate = {}, .encoders = {}};

// A shell script beside the folder of outputs. It is asked first to encode one frame to "null".
class FfmpegProgram : public testing::Test {
 protected:
  fs::path script(const std::string& text) const {
    const fs::path path = folder_ / "ffmpeg";
    std::ofstream(path) << "#!/bin/sh\n" << text;
    fs::permissions(path, fs::perms(0755));
    fs::create_directory(folder_ / "out");
    return path;
  }
  fs::path clip() const { return folder_ / "out/clip.mp4"; }
  void expect_nothing_left() const { EXPECT_TRUE(fs::is_empty(folder_ / "out")); }
  static void add_frames(FrameFile& file, int count) {
    for (int index = 0; index < count; ++index) file.add(gradient_frame(64, 64, index).view());
  }

  test::TempFolder folder_;
};

constexpr const char* kTakesTheTrial = "case \"$*\" in *' null '*) exec cat >/dev/null;; esac\n";

TEST_F(FfmpegProgram, WithoutAnEncoderIsRefusedWithItsWords) {
  const fs::path program = script(
      "cat >/dev/null; echo '[x @ 0x1] some remark' >&2; echo \"Unknown encoder\" >&2; exit 1\n");

  EXPECT_REEL_ERROR(make_piped_mp4_file(program, clip(), kOptions), kUnsupported,
                    "Tried: libx264 (Unknown encoder), libopenh264 (Unknown encoder)");
  expect_nothing_left();
}

TEST_F(FfmpegProgram, ThatDiesIsReportedWithItsLastLine) {
  const fs::path program = script(std::string(kTakesTheTrial) +
                                  "echo '[libx264 @ 0x5] first' >&2\n"
                                  "echo '[libx264 @ 0x5] the stars are wrong.' >&2\n"
                                  "echo 'Conversion failed!' >&2\nexit 3\n");
  {
    const auto file = make_piped_mp4_file(program, clip(), kOptions);
    EXPECT_REEL_ERROR(
        {
          add_frames(*file, 200);
          file->finish("", nullptr);
        },
        kInternal, "(libx264): the stars are wrong. Write");
  }
  expect_nothing_left();
}

TEST_F(FfmpegProgram, WithAFullDiskIsAnIoErrorOfTheOutput) {
  const fs::path program =
      script(std::string(kTakesTheTrial) +
             "cat >/dev/null; echo 'av_interleaved_write_frame(): No space left on device' >&2\n"
             "echo 'Conversion failed!' >&2; exit 1\n");
  {
    const auto file = make_piped_mp4_file(program, clip(), kOptions);
    add_frames(*file, 3);
    EXPECT_REEL_ERROR(file->finish("", nullptr), kIo,
                      "clip.mp4\": No space left on device. Free some space");
  }
  expect_nothing_left();
}

TEST_F(FfmpegProgram, ThatIsKilledIsReported) {
  const fs::path program = script(std::string(kTakesTheTrial) + "cat >/dev/null; kill -9 $$\n");
  const auto file = make_piped_mp4_file(program, clip(), kOptions);
  add_frames(*file, 3);

  EXPECT_REEL_ERROR(file->finish("", nullptr), kInternal, "it ended with status 137");
}

TEST_F(FfmpegProgram, IsKilledWhenTheRunIsStopped) {
  const fs::path program = script(std::string(kTakesTheTrial) + "cat >/dev/null; echo $$ >\"" +
                                  (folder_ / "pid").string() + "\"; exec sleep 600\n");
  StopFlag stop;
  const auto start = std::chrono::steady_clock::now();
  {
    const auto file = make_piped_mp4_file(program, clip(), kOptions);
    add_frames(*file, 3);
    stop.request();
    EXPECT_REEL_ERROR(file->finish("", &stop), kCancelled, "Stopped");
  }

  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  expect_nothing_left();
  int pid = 0;
  if (std::ifstream(folder_ / "pid") >> pid) {
    EXPECT_FALSE(fs::exists("/proc/" + std::to_string(pid)));
  }
}

TEST_F(FfmpegProgram, ThatFailsToMoveTheIndexLeavesNothing) {
  const fs::path program = script(
      "case \"$*\" in *faststart*) cat >/dev/null; echo 'no tags today' >&2; exit 1;; esac\n"
      "cat >/dev/null\n");
  {
    const auto file = make_piped_mp4_file(program, clip(), kOptions);
    add_frames(*file, 3);
    EXPECT_REEL_ERROR(file->finish("recipe", nullptr), kInternal,
                      "(the MP4 writer): no tags today.");
  }
  expect_nothing_left();
}

}  // namespace
}  // namespace reel::media
