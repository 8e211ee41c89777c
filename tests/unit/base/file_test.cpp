// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

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

struct FreeBytes {
  void operator()(std::byte* data) const { std::free(data); }
};

// Room for `size_bytes` as read_into() wants it, filled with a byte that no test file holds.
class ReadBuffer {
 public:
  explicit ReadBuffer(size_t size_bytes)
      : size_bytes_((size_bytes + 3 * InputFile::kDirectBytes - 1) / InputFile::kDirectBytes *
                    InputFile::kDirectBytes),
        data_(static_cast<std::byte*>(std::aligned_alloc(InputFile::kDirectBytes, size_bytes_))) {
    std::ranges::fill(bytes(), std::byte{0xff});
  }
  std::span<std::byte> bytes() const { return {data_.get(), size_bytes_}; }

 private:
  size_t size_bytes_;
  std::unique_ptr<std::byte, FreeBytes> data_;
};

class ReadInto : public testing::TestWithParam<ReadMode> {};

TEST_P(ReadInto, FindsTheBytesAtEveryAlignment) {
  const test::TempFolder folder;
  std::string content;
  for (int at = 0; at < 3 * 4096 + 77; ++at) content += static_cast<char>(at * 31 % 127);
  std::ofstream(folder / "file") << content;
  const InputFile file(folder / "file");

  for (const size_t offset : {size_t{0}, size_t{1}, size_t{4095}, size_t{4096}, size_t{8000}}) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{4096}, content.size() - offset}) {
      if (offset + size > content.size()) continue;
      const ReadBuffer buffer(size);
      const size_t at = file.read_into(buffer.bytes(), offset, size, GetParam());
      const auto* const got = reinterpret_cast<const char*>(buffer.bytes().data() + at);
      EXPECT_EQ(std::string_view(got, size), content.substr(offset, size))
          << offset << " + " << size;
    }
  }
}

TEST_P(ReadInto, NamesBothPositionsWhenTheFileHasShrunk) {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << std::string(10000, 'x');
  const InputFile file(folder / "file");
  std::filesystem::resize_file(folder / "file", 5000);
  const ReadBuffer buffer(9000);

  EXPECT_REEL_ERROR(file.read_into(buffer.bytes(), 1000, 9000, GetParam()), kBadFile,
                    "ends at byte 5,000 but bytes up to 10,000 are needed");
}

TEST_P(ReadInto, ReadsTheFileThatWasOpenedWhenAnotherTakesItsName) {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << std::string(5000, 'x');
  const InputFile file(folder / "file");
  std::filesystem::remove(folder / "file");
  std::ofstream(folder / "file") << std::string(5000, 'y');
  const ReadBuffer buffer(5000);

  const size_t at = file.read_into(buffer.bytes(), 0, 5000, GetParam());

  EXPECT_EQ(buffer.bytes()[at], std::byte{'x'});
  EXPECT_NO_THROW(file.require_unchanged());
}

INSTANTIATE_TEST_SUITE_P(Modes, ReadInto, testing::Values(ReadMode::kBuffered, ReadMode::kDirect),
                         [](const auto& mode) {
                           return mode.param == ReadMode::kBuffered ? "Buffered" : "Direct";
                         });

TEST(InputFile, NoticesThatItsFileWasWritten) {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << "12345";
  const InputFile file(folder / "file");
  EXPECT_NO_THROW(file.require_unchanged());

  std::ofstream(folder / "file") << "1234";

  EXPECT_REEL_ERROR(file.require_unchanged(), kBadFile, "had 5 bytes and has 4");
}

TEST(ReadTextFile, RefusesAFileThatIsTooLarge) {
  const test::TempFolder folder;
  std::ofstream(folder / "long") << "12345";
  EXPECT_REEL_ERROR(read_text_file(folder / "long", 4), kBadFile, "at most 4 are expected");
}

}  // namespace
}  // namespace reel
