// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "decoded_clip.h"
#include "media/frame_writer.h"
#include "media/png_encoder.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::media {
namespace {

std::vector<std::byte> bytes_of(const std::filesystem::path& path) {
  const InputFile file(path);
  std::vector<std::byte> bytes(file.size_bytes());
  file.read_at(0, bytes);
  return bytes;
}

TEST(PngEncoder, ReturnsTheSamePixels) {
  for (const auto& [height_px, width_px] : {std::pair{1, 1}, {31, 33}, {480, 832}}) {
    const Frame frame = gradient_frame(height_px, width_px, 5);

    const Frame back = decode_png(encode_png(frame.view()));

    EXPECT_EQ(back.height_px, height_px);
    EXPECT_EQ(back.width_px, width_px);
    EXPECT_EQ(back.rgb, frame.rgb);
  }
}

TEST(PngEncoder, RefusesAFrameWithoutItsPixels) {
  const std::vector<uint8_t> two(2);
  EXPECT_REEL_ERROR(encode_png({two, 1, 1}), kInvalidArgument, "A frame of 1x1 has 2 bytes");
}

TEST(PngEncoder, RefusesBytesThatAreNoPng) {
  std::vector<std::byte> file = encode_png(gradient_frame(64, 64, 0).view());
  file.resize(file.size() / 2);
  EXPECT_REEL_ERROR(decode_png(file), kBadFile, "Not a complete PNG file");
  EXPECT_REEL_ERROR(decode_png({}), kBadFile, "Not a complete PNG file");
}

TEST(PngWriter, NumbersTheFramesInAFolder) {
  const test::TempFolder folder;
  const auto writer = make_frame_writer(folder / "frames", {.width_px = 32, .height_px = 16});
  for (int index = 0; index < 3; ++index) writer->add(gradient_frame(16, 32, index).view());
  writer->finish();

  for (int index = 0; index < 3; ++index) {
    const std::string name = "frames/frame-000" + std::to_string(index + 1) + ".png";
    EXPECT_EQ(decode_png(bytes_of(folder / name)).rgb, gradient_frame(16, 32, index).rgb) << name;
  }
}

TEST(PngWriter, NumbersTheFramesUnderAName) {
  const test::TempFolder folder;
  const auto writer = make_frame_writer(folder / "shot.png", {.width_px = 32, .height_px = 16});
  for (int index = 0; index < 2; ++index) writer->add(gradient_frame(16, 32, index).view());
  writer->finish();

  EXPECT_TRUE(std::filesystem::exists(folder / "shot-0001.png"));
  EXPECT_TRUE(std::filesystem::exists(folder / "shot-0002.png"));
}

// More frames than threads, of an odd size.
TEST(PngWriter, KeepsTheOrderOfManyFrames) {
  constexpr int kFrames = 37;
  const test::TempFolder folder;
  const auto writer = make_frame_writer(folder / "frames", {.width_px = 33, .height_px = 17});
  for (int index = 0; index < kFrames; ++index) writer->add(gradient_frame(17, 33, index).view());
  writer->finish();

  for (int index = 0; index < kFrames; ++index) {
    std::string number = std::to_string(index + 1);
    number.insert(0, 4 - number.size(), '0');
    EXPECT_EQ(decode_png(bytes_of(folder / ("frames/frame-" + number + ".png"))).rgb,
              gradient_frame(17, 33, index).rgb)
        << number;
  }
}

// The frames' temporary folder goes away while they are written.
TEST(PngWriter, ReportsAFrameThatCannotBeWritten) {
  const test::TempFolder folder;
  const auto write = [&] {
    const auto writer = make_frame_writer(folder / "frames", {.width_px = 33, .height_px = 17});
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      std::filesystem::remove_all(entry.path());
    }
    for (int index = 0; index < 50; ++index) writer->add(gradient_frame(17, 33, index).view());
    writer->finish();
  };
  EXPECT_REEL_ERROR(write(), kIo, "frame-00");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(PngWriter, LeavesNothingWhenItIsNotFinished) {
  const test::TempFolder folder;
  {
    const auto writer = make_frame_writer(folder / "frames", {.width_px = 330, .height_px = 170});
    for (int index = 0; index < 12; ++index) writer->add(gradient_frame(170, 330, index).view());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(PngWriter, WritesIntoAFolderThatExists) {
  const test::TempFolder folder;
  const auto writer = make_frame_writer(folder.path() / "", {.width_px = 32, .height_px = 16});
  writer->add(gradient_frame(16, 32, 0).view());
  writer->finish();

  EXPECT_TRUE(std::filesystem::exists(folder / "frame-0001.png"));
}

}  // namespace
}  // namespace reel::media
