// SPDX-License-Identifier: Apache-2.0
// libreel_ffmpeg.so as the program opens it, beside the same code linked into this test.
#include <gtest/gtest.h>
#include <reel/version.h>

#include <atomic>

#include "base/file.h"
#include "media/ffmpeg/mp4_muxer.h"
#include "media/ffmpeg_module.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "unit/media/decoded_clip.h"

namespace reel::media {
namespace {

constexpr int kSidePx = 64;

std::string clip_of(std::unique_ptr<FrameFile> file, const std::filesystem::path& path) {
  for (int index = 0; index < 5; ++index) {
    file->add(gradient_frame(kSidePx, kSidePx, index).view());
  }
  file->finish("a comment", nullptr);
  return read_text_file(path, 1 << 24);
}

const FfmpegModule& module() {
  const FfmpegModuleState& state = ffmpeg_module();
  EXPECT_NE(state.module, nullptr) << state.problem;
  return *state.module;
}

TEST(FfmpegModule, WritesWhatTheCodeInsideWrites) {
  const test::TempFolder folder;
  const WriterOptions options{.width_px = kSidePx, .height_px = kSidePx};
  const auto linked = folder / "linked.mp4", loaded = folder / "loaded.mp4";

  EXPECT_STREQ(module().version, kVersion);
  EXPECT_EQ(clip_of(std::unique_ptr<FrameFile>(module().make_mp4_file(loaded, options)), loaded),
            clip_of(make_muxed_mp4_file(linked, options), linked));
}

TEST(FfmpegModule, ItsErrorsAreOurs) {
  const WriterOptions options{.width_px = kSidePx, .height_px = kSidePx};

  EXPECT_REEL_ERROR(module().make_mp4_file("/no/such/folder/x.mp4", options), kIo,
                    "/no/such/folder/x.mp4");
}

TEST(FfmpegModule, ItsLogLinesAreOurs) {
  std::atomic<int> lines = 0;
  module();
  set_log_sink([&](LogLevel, std::string_view line) {
    if (line.starts_with("media: encoder ")) ++lines;
  });
  const test::TempFolder folder;
  std::unique_ptr<FrameFile>(
      module().make_mp4_file(folder / "a.mp4", {.width_px = kSidePx, .height_px = kSidePx}));
  set_log_sink({});

  EXPECT_EQ(lines, 1);
}

}  // namespace
}  // namespace reel::media
