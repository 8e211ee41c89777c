// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

TEST(OutputFile, AppearsOnlyWhenCommitted) {
  const test::TempFolder folder;
  {
    OutputFile file(folder / "a.bin");
    file.write("half");
    EXPECT_FALSE(std::filesystem::exists(folder / "a.bin"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));

  OutputFile file(folder / "a.bin");
  file.write("whole");
  file.commit();

  EXPECT_EQ(read_text_file(folder / "a.bin", 100), "whole");
}

TEST(OutputFile, LeavesHolesThatReadAsZeros) {
  const test::TempFolder folder;
  OutputFile file(folder / "sparse");
  file.resize(1000);
  file.commit();

  EXPECT_EQ(read_text_file(folder / "sparse", 1000), std::string(1000, '\0'));
}

TEST(OutputFile, NamesTheDestinationInAMissingFolder) {
  EXPECT_REEL_ERROR(OutputFile("/no/such/folder/x"), kIo, "Cannot write \"/no/such/folder/x\"");
}

TEST(InputFile, NamesAMissingFile) {
  EXPECT_REEL_ERROR(InputFile("/no/such/file"), kNotFound, "/no/such/file");
}

TEST(InputFile, RefusesAFolder) {
  const test::TempFolder folder;
  EXPECT_REEL_ERROR(InputFile(folder.path()), kIo, "is not a regular file");
}

TEST(InputFile, NamesBothPositionsWhenTheFileEndsEarly) {
  const test::TempFolder folder;
  std::ofstream(folder / "short") << "12345";
  const InputFile file(folder / "short");
  std::array<std::byte, 10> out{};

  EXPECT_REEL_ERROR(file.read_at(2, out), kBadFile, "ends at byte 5 but bytes up to 12");
}

TEST(ReadTextFile, RefusesAFileThatIsTooLarge) {
  const test::TempFolder folder;
  std::ofstream(folder / "long") << "12345";
  EXPECT_REEL_ERROR(read_text_file(folder / "long", 4), kBadFile, "at most 4 are expected");
}

}  // namespace
}  // namespace reel
