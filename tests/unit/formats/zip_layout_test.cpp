// SPDX-License-Identifier: Apache-2.0
// The archives that ZipLayout makes, as list_zip reads them.
#include "formats/zip_layout.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "formats/zip_listing.h"
#include "support/expect_error.h"
#include "support/hostile_file.h"
#include "support/temp_folder.h"
#include "support/zip_archive.h"

namespace reel::formats {
namespace {

std::string small_archive() {
  const test::TempFolder folder;
  test::write_archive(folder / "zip", {{.name = "a/one", .size_bytes = 5}, {.name = "a/two"}});
  return read_text_file(folder / "zip", 10'000);
}

std::map<std::string, ZipEntry> list(const std::string& bytes) {
  const test::TempFolder folder;
  test::write_file(folder / "zip", bytes);
  return list_zip(InputFile(folder / "zip"));
}

TEST(ZipLayout, AlignsData) {
  const auto entries = list(small_archive());

  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries.at("a/one").offset_bytes, 64u);
  EXPECT_EQ(entries.at("a/one").size_bytes, 5u);
  EXPECT_EQ(entries.at("a/two").offset_bytes % 64, 0u);
}

TEST(ZipLayout, GoesOnBehindFourGigabytes) {
  const test::TempFolder folder;
  constexpr uint64_t kLarge = 5'000'000'000;
  test::write_archive(folder / "zip",
                      {{.name = "large", .size_bytes = kLarge}, {.name = "last", .size_bytes = 7}});

  const auto entries = list_zip(InputFile(folder / "zip"));

  EXPECT_EQ(entries.at("large").size_bytes, kLarge);
  EXPECT_GT(entries.at("last").offset_bytes, kLarge);
  EXPECT_EQ(entries.at("last").size_bytes, 7u);
}

TEST(ZipLayout, HoldsMoreEntriesThanSixteenBitsCount) {
  std::vector<ZipRecord> records(70'000);
  for (size_t index = 0; index < records.size(); ++index)
    records[index].name = std::to_string(index);
  const test::TempFolder folder;
  test::write_archive(folder / "zip", std::move(records));

  EXPECT_EQ(list_zip(InputFile(folder / "zip")).size(), 70'000u);
}

TEST(ZipListing, SaysThatTheEndIsMissing) {
  const std::string bytes = small_archive();

  EXPECT_REEL_ERROR(list(bytes.substr(0, bytes.size() - 1)), kBadFile,
                    "the directory at its end is missing (");
  EXPECT_REEL_ERROR(list("PK\x03\x04"), kBadFile, "The download is incomplete");
}

TEST(ZipListing, FindsTheEndBehindAComment) {
  std::string bytes = small_archive();
  bytes[bytes.size() - 2] = 3;
  bytes += "abc";

  EXPECT_EQ(list(bytes).size(), 2u);
}

// The small archive with one part of it replaced wherever it occurs.
std::string with_replaced(const std::string& from, const std::string& to) {
  std::string bytes = small_archive();
  for (size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + 1)) {
    bytes.replace(at, to.size(), to);
  }
  return bytes;
}

TEST(ZipListing, RefusesTwoEntriesOfOneName) {
  EXPECT_REEL_ERROR(list(with_replaced("a/two", "a/one")), kBadFile, "\"a/one\" is listed twice");
}

TEST(ZipListing, RefusesALocalHeaderThatDisagrees) {
  std::string bytes = small_archive();
  bytes[bytes.find("a/two")] = 'b';

  EXPECT_REEL_ERROR(list(bytes), kBadFile, "has another name in its local header");
  EXPECT_REEL_ERROR(list(with_replaced("PK\x03\x04", "PK\x03\x05")), kBadFile,
                    "has no local header");
}

TEST(ZipListing, ListsCompressedEntriesWithoutAPlace) {
  std::string bytes = small_archive();
  bytes[bytes.find("PK\x01\x02") + 10] = 8;  // deflate

  EXPECT_FALSE(list(bytes).at("a/one").is_plain);
}

TEST(ZipListing, RefusesDataBehindTheEnd) {
  std::string bytes = small_archive();
  const size_t entry = bytes.find("PK\x01\x02");
  bytes[entry + 22] = bytes[entry + 26] = 1;  // both sizes grow by 65,536

  EXPECT_REEL_ERROR(list(bytes), kBadFile, "\"a/one\" reaches behind the end of the file");
}

}  // namespace
}  // namespace reel::formats
