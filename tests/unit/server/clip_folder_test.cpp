// SPDX-License-Identifier: Apache-2.0
#include "server/clip_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::server {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& file) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << "x";
}

TEST(ClipFolder, IsItsOwnersAlone) {
  const test::TempFolder folder;
  const ClipFolder clips(folder / "a/b");

  struct stat facts {};
  ASSERT_EQ(::stat((folder / "a/b").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);
}

TEST(ClipFolder, RemovesWhatAKillLeft) {
  const test::TempFolder folder;
  const ClipFolder clips(folder.path());
  for (const int64_t job : {1, 2}) {
    write(clips.clip(job));
    write(clips.preview(job, 3));
  }
  write(clips.clip(1).parent_path() / "1.mp4.part-xyz");

  clips.remove_strays([](int64_t sequence) { return sequence == 2; });

  EXPECT_FALSE(fs::exists(clips.clip(1)));
  EXPECT_FALSE(fs::exists(clips.preview(1, 3)));
  EXPECT_TRUE(fs::exists(clips.clip(2)));
  EXPECT_TRUE(fs::exists(clips.preview(2, 3)));
  EXPECT_FALSE(fs::exists(clips.clip(1).parent_path() / "1.mp4.part-xyz"));
  clips.remove_clip(2);
  EXPECT_FALSE(fs::exists(clips.clip(2)));
  EXPECT_TRUE(fs::exists(clips.preview(2, 3)));
  clips.remove_all(2);
  EXPECT_FALSE(fs::exists(clips.preview(2, 3)));
}

TEST(ClipFolder, SaysWhereItCannotBeMade) {
  const test::TempFolder folder;
  write(folder / "file");

  EXPECT_REEL_ERROR(ClipFolder(folder / "file/x"), kIo, "--data");
}

}  // namespace
}  // namespace reel::server
