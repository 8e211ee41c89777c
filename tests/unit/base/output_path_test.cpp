// SPDX-License-Identifier: Apache-2.0
#include "base/output_path.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

TEST(OutputPath, FillsInTheSeed) {
  const test::TempFolder folder;
  EXPECT_EQ(choose_output_path(folder / "clip-{seed}.mp4", 7, false),
            (folder / "clip-7.mp4").string());
}

TEST(OutputPath, ReplacesOnlyWhenAsked) {
  const test::TempFolder folder;
  std::ofstream(folder / "clip.mp4") << "x";

  EXPECT_REEL_ERROR(choose_output_path(folder / "clip.mp4", 0, false), kInvalidArgument,
                    "exists already");
  EXPECT_EQ(choose_output_path(folder / "clip.mp4", 0, true), (folder / "clip.mp4").string());
}

TEST(OutputPath, NamesAMissingFolder) {
  EXPECT_REEL_ERROR(choose_output_path("/no/such/folder/clip.mp4", 0, false), kIo,
                    "there is no folder \"/no/such/folder\"");
}

TEST(PreviewFolder, MayBeMadeLaterAndFillsInTheSeed) {
  const test::TempFolder folder;
  EXPECT_EQ(choose_preview_folder(folder / "seen-{seed}/", 7), (folder / "seen-7").string());
  EXPECT_EQ(choose_preview_folder(folder.path(), 7), folder.path().string());
  EXPECT_EQ(choose_preview_folder("", 7), "");
}

TEST(PreviewFolder, NamesWhatIsInTheWay) {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << "x";
  EXPECT_REEL_ERROR(choose_preview_folder(folder / "file", 0), kIo, "it is no folder");
  EXPECT_REEL_ERROR(choose_preview_folder(folder / "file/seen", 0), kIo, "there is no folder");
  EXPECT_REEL_ERROR(choose_preview_folder(folder / "no/seen", 0), kIo, "there is no folder");
}

}  // namespace
}  // namespace reel
