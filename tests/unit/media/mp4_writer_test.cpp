// SPDX-License-Identifier: Apache-2.0
#include "media/mp4_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "base/file.h"
#include "decoded_clip.h"
#include "formats/mp4_comment.h"
#include "media/ffmpeg_module.h"
#include "media/ffmpeg_program.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::media {
namespace {

using testing::ElementsAre;

// Both ways to FFmpeg keep the same promises.
class Mp4Writer : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<FrameWriter> open(const std::filesystem::path& path,
                                    const WriterOptions& options) const {
    if (GetParam() == std::string("libraries")) return make_frame_writer(path, options);
    return std::make_unique<FrameWriter>(
        make_piped_mp4_file(find_ffmpeg_program().value(), path, options), options);
  }

  void write_gradient(const std::filesystem::path& path, const WriterOptions& options, int frames,
                      const std::string& comment = {}) const {
    write_frames(*open(path, options), options, frames, comment);
  }

 private:
  static void write_frames(FrameWriter& writer, const WriterOptions& options, int frames,
                           const std::string& comment) {
    for (int index = 0; index < frames; ++index) {
      writer.add(gradient_frame(options.height_px, options.width_px, index).view());
    }
    writer.finish(comment);
  }
};

INSTANTIATE_TEST_SUITE_P(Both, Mp4Writer, testing::Values("libraries", "program"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Mp4Support, IsTheLibrariesWhereTheyAreInstalled) {
  EXPECT_EQ(mp4_support().route, Mp4Route::kLibraries) << ffmpeg_module().problem;
}

// The names of the boxes on the top level, in file order.
std::vector<std::string> box_names(const std::filesystem::path& path) {
  const std::string bytes = read_text_file(path, 1 << 28);
  std::vector<std::string> names;
  for (size_t at = 0; at + 8 <= bytes.size();) {
    uint32_t size_bytes = 0;
    for (int byte = 0; byte < 4; ++byte) {
      size_bytes = size_bytes << 8 | static_cast<uint8_t>(bytes[at + byte]);
    }
    names.push_back(bytes.substr(at + 4, 4));
    at += std::max<uint32_t>(size_bytes, 8);
  }
  return names;
}

TEST_P(Mp4Writer, IsReadBackWithItsSizeRateAndColours) {
  const test::TempFolder folder;
  write_gradient(folder / "a.mp4", {.width_px = 160, .height_px = 96}, 17);

  const DecodedClip clip = decode_clip(folder / "a.mp4");

  EXPECT_EQ(clip.codec, "h264");
  EXPECT_EQ(clip.pixel_format, "yuv420p");
  EXPECT_EQ(clip.frame_rate, "16/1");
  EXPECT_NEAR(clip.duration_s, 17.0 / 16.0, 1e-6);
  EXPECT_EQ(clip.color_range, "tv");
  EXPECT_EQ(clip.color_space, "bt709");
  EXPECT_EQ(clip.color_primaries, "bt709");
  EXPECT_EQ(clip.color_transfer, "bt709");
  EXPECT_EQ(clip.chroma_location, "left");
  ASSERT_EQ(clip.frames.size(), 17u);
  for (int index = 0; index < 17; ++index) {
    ASSERT_EQ(clip.frames[index].width_px, 160);
    ASSERT_EQ(clip.frames[index].height_px, 96);
    EXPECT_GT(psnr_db(clip.frames[index], gradient_frame(96, 160, index)), 38.0) << index;
  }
}

TEST_P(Mp4Writer, PutsTheIndexInFrontOfTheFrames) {
  const test::TempFolder folder;
  write_gradient(folder / "a.mp4", {.width_px = 64, .height_px = 64}, 3, "known at the end");

  EXPECT_THAT(box_names(folder / "a.mp4"), testing::IsSupersetOf({"ftyp", "moov", "mdat"}));
  const std::vector<std::string> names = box_names(folder / "a.mp4");
  const auto moov = std::find(names.begin(), names.end(), "moov");
  EXPECT_NE(std::find(moov, names.end(), "mdat"), names.end());
  EXPECT_EQ(formats::read_mp4_comment(folder / "a.mp4"), "known at the end");
}

TEST_P(Mp4Writer, KeepsColoursOfFlatPatches) {
  // Catches a wrong matrix (red and green move by up to 30 levels) or range (black and white by
  // 16).
  constexpr int kPatchPx = 32;
  const std::vector<std::array<int, 3>> colours{{255, 0, 0},     {0, 255, 0},   {0, 0, 255},
                                                {255, 255, 255}, {0, 0, 0},     {128, 128, 128},
                                                {224, 172, 138}, {30, 144, 255}};
  const int width_px = kPatchPx * static_cast<int>(colours.size());
  Frame frame(kPatchPx, width_px);
  for (int row = 0; row < kPatchPx; ++row) {
    for (int col = 0; col < width_px; ++col) {
      for (int channel = 0; channel < 3; ++channel) {
        frame.rgb[(size_t{1} * row * width_px + col) * 3 + channel] =
            static_cast<uint8_t>(colours[col / kPatchPx][channel]);
      }
    }
  }
  const test::TempFolder folder;
  const auto writer =
      open(folder / "a.mp4", {.width_px = width_px, .height_px = kPatchPx, .quality = 4});
  for (int index = 0; index < 3; ++index) writer->add(frame.view());
  writer->finish();

  const DecodedClip clip = decode_clip(folder / "a.mp4");

  ASSERT_EQ(clip.frames.size(), 3u);
  for (size_t patch = 0; patch < colours.size(); ++patch) {
    const size_t middle = size_t{kPatchPx / 2} * width_px + patch * kPatchPx + kPatchPx / 2;
    for (int channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(clip.frames[1].rgb[middle * 3 + channel], colours[patch][channel], 3)
          << "patch " << patch << " channel " << channel;
    }
  }
}

TEST_P(Mp4Writer, CarriesALongCommentOfAnyText) {
  std::string comment =
      "{\"prompt\": \"\xe4\xb8\x80\xe5\x8f\xaa\xe7\x8c\xab \xf0\x9f\x90\x88 \\\"\\n\", \"x\": \"";
  while (comment.size() < 200000) comment += "0123456789 ";
  comment += "\"}";
  const test::TempFolder folder;
  write_gradient(folder / "a.mp4", {.width_px = 64, .height_px = 64}, 2, comment);

  EXPECT_EQ(formats::read_mp4_comment(folder / "a.mp4"), comment);
  EXPECT_EQ(decode_clip(folder / "a.mp4").frames.size(), 2u);
}

TEST_P(Mp4Writer, HasNoCommentWhenNoneIsGiven) {
  const test::TempFolder folder;
  write_gradient(folder / "a.mp4", {.width_px = 64, .height_px = 64}, 1);

  EXPECT_EQ(formats::read_mp4_comment(folder / "a.mp4"), std::nullopt);
}

TEST_P(Mp4Writer, WritesOneFrame) {
  const test::TempFolder folder;
  write_gradient(folder / "a.mp4", {.width_px = 16, .height_px = 16}, 1);

  const DecodedClip clip = decode_clip(folder / "a.mp4");
  EXPECT_EQ(clip.frames.size(), 1u);
  EXPECT_NEAR(clip.duration_s, 1.0 / 16.0, 1e-6);
}

TEST_P(Mp4Writer, StoresOddSizesInFullColour) {
  const test::TempFolder folder;
  write_gradient(folder / "a.mp4", {.width_px = 63, .height_px = 47}, 3);

  const DecodedClip clip = decode_clip(folder / "a.mp4");
  EXPECT_EQ(clip.pixel_format, "yuv444p");
  ASSERT_EQ(clip.frames.size(), 3u);
  EXPECT_EQ(clip.frames[0].width_px, 63);
  EXPECT_EQ(clip.frames[0].height_px, 47);
  EXPECT_GT(psnr_db(clip.frames[2], gradient_frame(47, 63, 2)), 35.0);
}

TEST_P(Mp4Writer, KeepsAFrameRateThatIsNoInteger) {
  const test::TempFolder folder;
  write_gradient(folder / "a.mp4", {.width_px = 64, .height_px = 64, .frame_rate = {30000, 1001}},
                 30);

  const DecodedClip clip = decode_clip(folder / "a.mp4");
  EXPECT_EQ(clip.frame_rate, "30000/1001");
  EXPECT_NEAR(clip.duration_s, 1.001, 1e-3);
}

TEST_P(Mp4Writer, WritesTheSameBytesTwice) {
  const test::TempFolder folder;
  const WriterOptions options{.width_px = 320, .height_px = 192};
  write_gradient(folder / "a.mp4", options, 24, "same");
  write_gradient(folder / "b.mp4", options, 24, "same");

  EXPECT_EQ(read_text_file(folder / "a.mp4", 1 << 24), read_text_file(folder / "b.mp4", 1 << 24));
}

TEST_P(Mp4Writer, StopsBetweenTheLastFramesAndLeavesNothing) {
  const test::TempFolder folder;
  StopFlag stop;
  {
    const auto writer = open(folder / "a.mp4", {.width_px = 64, .height_px = 64});
    for (int index = 0; index < 5; ++index) writer->add(gradient_frame(64, 64, index).view());
    stop.request();
    EXPECT_REEL_ERROR(writer->finish("", &stop), kCancelled, "Stopped");
  }

  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_P(Mp4Writer, ObeysQuality) {
  const test::TempFolder folder;
  write_gradient(folder / "good.mp4", {.width_px = 320, .height_px = 192, .quality = 10}, 8);
  write_gradient(folder / "bad.mp4", {.width_px = 320, .height_px = 192, .quality = 40}, 8);

  EXPECT_GT(std::filesystem::file_size(folder / "good.mp4"),
            2 * std::filesystem::file_size(folder / "bad.mp4"));
}

TEST_P(Mp4Writer, TakesTheNextEncoderWhenOneIsMissing) {
  const test::TempFolder folder;
  write_gradient(folder / "a.mp4",
                 {.width_px = 64, .height_px = 64, .encoders = {"no_such_encoder", "mpeg4"}}, 5);

  const DecodedClip clip = decode_clip(folder / "a.mp4");
  EXPECT_EQ(clip.codec, "mpeg4");
  ASSERT_EQ(clip.frames.size(), 5u);
  EXPECT_GT(psnr_db(clip.frames[3], gradient_frame(64, 64, 3)), 33.0);
}

TEST_P(Mp4Writer, NamesTheEncodersItTried) {
  const test::TempFolder folder;
  // mpeg4 has no 4:4:4, which odd sizes need; the program would quietly store 4:2:0.
  const std::string other = GetParam() == std::string("libraries") ? "mpeg4" : "nor_this";
  EXPECT_REEL_ERROR(
      open(folder / "a.mp4", {.width_px = 63, .height_px = 63, .encoders = {"no_such", other}}),
      kUnsupported, "), " + other + " (");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// In a process of its own: writes noise until files may grow no further.
[[noreturn]] void write_beyond_the_limit(const std::filesystem::path& folder, const char* name) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{30000, 30000};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  try {
    const auto writer = make_frame_writer(folder / name, {.width_px = 128, .height_px = 128});
    Frame frame(128, 128);
    uint32_t noise = 1;
    for (int index = 0; index < 100; ++index) {
      for (uint8_t& level : frame.rgb) {
        noise = noise * 1664525u + 1013904223u;
        level = static_cast<uint8_t>(noise >> 24);
      }
      writer->add(frame.view());
    }
    writer->finish();
  } catch (const Error& error) {
    const bool is_named = std::strstr(error.what(), name) != nullptr;
    std::_Exit(error.code() == ErrorCode::kIo && is_named ? 0 : 2);
  }
  std::_Exit(3);
}

TEST(FullDisk, IsAnIoErrorThatNamesTheOutput) {
  for (const char* name : {"a.mp4", "a.y4m"}) {
    const test::TempFolder folder;
    EXPECT_EXIT(write_beyond_the_limit(folder.path(), name), testing::ExitedWithCode(0), "")
        << name;
    EXPECT_FALSE(std::filesystem::exists(folder / name));
  }
}

}  // namespace
}  // namespace reel::media
