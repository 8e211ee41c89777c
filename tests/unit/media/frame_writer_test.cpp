// SPDX-License-Identifier: Apache-2.0
#include "media/frame_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <future>

#include "base/error.h"
#include "decoded_clip.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::media {
namespace {

using testing::ElementsAre;

constexpr WriterOptions kSmall{.width_px = 4, .height_px = 2, .frame_rate = {}, .encoders = {}};

// Remembers what it is given; adding waits for `gate` when there is one.
struct FakeFile : FrameFile {
  std::vector<int>* added = nullptr;
  std::string* comment = nullptr;
  std::shared_future<void> gate;
  bool is_full = false;

  void add(const FrameView& frame) override {
    if (gate.valid()) gate.wait();
    if (is_full) fail(ErrorCode::kIo, "no space");
    added->push_back(frame.rgb[0]);
  }
  void finish(const std::string& text, const StopFlag* /*stop*/) override { *comment = text; }
};

Frame numbered(int number) {
  Frame frame(2, 4);
  frame.rgb[0] = static_cast<uint8_t>(number);
  return frame;
}

TEST(FrameWriter, PassesFramesOnInOrder) {
  std::vector<int> added;
  std::string comment;
  auto file = std::make_unique<FakeFile>();
  file->added = &added;
  file->comment = &comment;
  FrameWriter writer(std::move(file), kSmall);

  for (int index = 0; index < 20; ++index) writer.add(numbered(index).view());
  writer.finish("how");

  ASSERT_EQ(added.size(), 20u);
  EXPECT_TRUE(std::is_sorted(added.begin(), added.end()));
  EXPECT_EQ(added.back(), 19);
  EXPECT_EQ(comment, "how");
  EXPECT_EQ(writer.frames_added(), 20);
}

TEST(FrameWriter, HoldsAFewFramesWhileTheEncoderIsBusy) {
  std::vector<int> added;
  std::string comment;
  std::promise<void> gate;
  auto file = std::make_unique<FakeFile>();
  file->added = &added;
  file->comment = &comment;
  file->gate = gate.get_future().share();
  FrameWriter writer(std::move(file), kSmall);

  // The encoder stands still, and these calls return all the same.
  for (int index = 0; index < 3; ++index) writer.add(numbered(index).view());
  gate.set_value();
  for (int index = 3; index < 9; ++index) writer.add(numbered(index).view());
  writer.finish();

  EXPECT_THAT(added, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(FrameWriter, ThrowsTheErrorOfTheEncodingThread) {
  auto file = std::make_unique<FakeFile>();
  file->is_full = true;
  FrameWriter writer(std::move(file), kSmall);
  writer.add(numbered(0).view());

  EXPECT_REEL_ERROR(writer.finish(), kIo, "no space");
  EXPECT_REEL_ERROR(writer.add(numbered(1).view()), kIo, "no space");
}

TEST(FrameWriter, DigestsTheRgbBytes) {
  std::vector<int> added;
  auto file = std::make_unique<FakeFile>();
  file->added = &added;
  FrameWriter writer(std::move(file), kSmall);
  std::vector<uint8_t> all;
  for (int index = 0; index < 3; ++index) {
    const Frame frame = numbered(index);
    writer.add(frame.view());
    all.insert(all.end(), frame.rgb.begin(), frame.rgb.end());
  }

  EXPECT_EQ(writer.digest_hex(), digest_hex(std::as_bytes(std::span(all))));
}

TEST(FrameWriter, RefusesAFrameOfAnotherSize) {
  FrameWriter writer(std::make_unique<FakeFile>(), kSmall);
  const Frame frame(4, 4);
  EXPECT_REEL_ERROR(writer.add(frame.view()), kInvalidArgument,
                    "frame 1 is 4x4 in 48 bytes, must be 4x2 in 24");
}

TEST(FrameWriter, RefusesToFinishWithoutAFrame) {
  FrameWriter writer(std::make_unique<FakeFile>(), kSmall);
  EXPECT_REEL_ERROR(writer.finish(), kInvalidArgument, "No frame was added");
}

TEST(MakeFrameWriter, NamesTheFormatsItKnows) {
  EXPECT_REEL_ERROR(make_frame_writer("clip.avi", kSmall), kUnsupported,
                    "ends in \".avi\"; .mp4, .m4v, .y4m, .png and folders can be written");
}

TEST(MakeFrameWriter, RefusesSizesRatesAndQualitiesThatCannotBe) {
  EXPECT_REEL_ERROR(make_frame_writer("x.mp4", {.width_px = 0, .height_px = 16}), kInvalidArgument,
                    "frames are 0x16, each side must be 1 to 16384");
  EXPECT_REEL_ERROR(
      make_frame_writer("x.mp4", {.width_px = 16, .height_px = 16, .frame_rate = {0, 1}}),
      kInvalidArgument, "The frame rate is 0/1");
  EXPECT_REEL_ERROR(make_frame_writer("x.mp4", {.width_px = 16, .height_px = 16, .quality = 52}),
                    kInvalidArgument, "quality is 52, must be 0 (best) to 51");
}

TEST(MakeFrameWriter, FailsBeforeTheFirstFrameWhenTheFolderIsMissing) {
  for (const char* name : {"/no/such/folder/x.mp4", "/no/such/folder/x.y4m",
                           "/no/such/folder/x.png", "/no/such/folder/x"}) {
    EXPECT_REEL_ERROR(make_frame_writer(name, kSmall), kIo, "/no/such/folder/x");
  }
}

TEST(MakeFrameWriter, FailsBeforeTheFirstFrameWhenAFileStandsWhereTheFolderWouldBe) {
  const test::TempFolder folder;
  std::ofstream(folder / "frames") << "x";

  EXPECT_REEL_ERROR(make_frame_writer(folder / "frames", kSmall), kIo, "Not a directory");
}

TEST(ToFrameRate, FindsTheExactRate) {
  const auto rate = [](double frames_per_second) {
    const FrameRate exact = to_frame_rate(frames_per_second);
    return std::pair(exact.numerator, exact.denominator);
  };
  EXPECT_EQ(rate(16), std::pair(16, 1));
  EXPECT_EQ(rate(12.5), std::pair(25, 2));
  EXPECT_EQ(rate(23.976), std::pair(24000, 1001));
  EXPECT_EQ(rate(29.97), std::pair(30000, 1001));
  EXPECT_EQ(rate(59.94), std::pair(60000, 1001));
  EXPECT_EQ(rate(0.1), std::pair(1, 10));
  EXPECT_REEL_ERROR(to_frame_rate(0), kInvalidArgument, "The frame rate is 0, must be 0.1 to 1000");
  EXPECT_REEL_ERROR(to_frame_rate(std::nan("")), kInvalidArgument, "The frame rate is nan");
}

class EveryFormat : public testing::TestWithParam<const char*> {};

TEST_P(EveryFormat, LeavesNothingBehindWhenNotFinished) {
  const test::TempFolder folder;
  const WriterOptions options{.width_px = 64, .height_px = 32};
  {
    const auto writer = make_frame_writer(folder / GetParam(), options);
    for (int index = 0; index < 5; ++index) writer->add(gradient_frame(32, 64, index).view());
  }

  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_P(EveryFormat, AppearsOnlyWhenFinished) {
  const test::TempFolder folder;
  const auto writer = make_frame_writer(folder / GetParam(), {.width_px = 64, .height_px = 32});
  writer->add(gradient_frame(32, 64, 0).view());
  const bool was_there = std::filesystem::exists(folder / GetParam());

  writer->finish();

  EXPECT_FALSE(was_there);
  size_t entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().string().find(".part-"), std::string::npos) << entry.path();
    ++entries;
  }
  EXPECT_EQ(entries, 1u);
}

INSTANTIATE_TEST_SUITE_P(All, EveryFormat,
                         testing::Values("clip.mp4", "clip.M4V", "clip.y4m", "frames", "shot.png"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace reel::media
