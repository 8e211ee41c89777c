// SPDX-License-Identifier: Apache-2.0
#include "formats/tensor_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "support/expect_error.h"
#include "support/hostile_file.h"
#include "support/temp_folder.h"

namespace reel::formats {
namespace {

// A file whose header is made up by the test.
class MadeUpFile : public TensorFile {
 public:
  MadeUpFile(const std::filesystem::path& path, std::vector<TensorEntry> entries,
             bool may_overlap = false)
      : TensorFile(FileFormat::kTorchZip, InputFile(path)) {
    entries_ = std::move(entries);
    finish(may_overlap ? Overlap::kAllowed : Overlap::kForbidden);
  }
};

class TensorFileTest : public testing::Test {
 protected:
  TensorFileTest() { test::write_file(folder_ / "x", "0123456789abcdef"); }

  MadeUpFile open(std::vector<TensorEntry> entries, bool may_overlap = false) {
    return MadeUpFile(folder_ / "x", std::move(entries), may_overlap);
  }

  test::TempFolder folder_;
};

TensorEntry bytes_entry(std::string name, uint64_t offset_bytes, int64_t size_bytes) {
  return {.name = std::move(name),
          .dtype = DType::kU8,
          .shape = {size_bytes},
          .offset_bytes = offset_bytes,
          .size_bytes = static_cast<uint64_t>(size_bytes),
          .strides = {}};
}

std::string read_text(const TensorFile& file, std::string_view name) {
  const TensorEntry& entry = *file.find(name);
  std::string text(static_cast<size_t>(storage_bytes(entry.dtype, entry.shape.elements())), '?');
  file.read(entry, std::as_writable_bytes(std::span(text)));
  return text;
}

TEST_F(TensorFileTest, FindsTensorsByName) {
  const auto file = open({bytes_entry("b", 4, 4), bytes_entry("a", 0, 4)});

  EXPECT_EQ(file.entries().front().name, "a");
  EXPECT_EQ(read_text(file, "b"), "4567");
  EXPECT_EQ(file.find("c"), nullptr);
}

TEST_F(TensorFileTest, ReadsARange) {
  const auto file = open({bytes_entry("a", 2, 8)});
  std::string text(3, '?');

  file.read_range(*file.find("a"), 5, std::as_writable_bytes(std::span(text)));

  EXPECT_EQ(text, "789");
  EXPECT_REEL_ERROR(file.read_range(*file.find("a"), 6, std::as_writable_bytes(std::span(text))),
                    kBadFile, "has 8 bytes; 3 were asked for from byte 6");
}

TEST_F(TensorFileTest, PutsStridedTensorsInRowMajorOrder) {
  TensorEntry entry = bytes_entry("t", 1, 6);
  entry.shape = {3, 2};
  entry.strides = {1, 3};  // the transpose of [2, 3]

  EXPECT_EQ(read_text(open({entry}), "t"), "142536");
}

TEST_F(TensorFileTest, RefusesATensorBehindTheEnd) {
  EXPECT_REEL_ERROR(open({bytes_entry("a", 10, 7)}), kBadFile,
                    "ends at byte 16 but its tensor \"a\" of 7 bytes starts at byte 10");
  EXPECT_REEL_ERROR(open({bytes_entry("a", ~uint64_t{0}, 7)}), kBadFile, "download");
}

TEST_F(TensorFileTest, RefusesASizeThatDisagreesWithTheShape) {
  TensorEntry entry = bytes_entry("a", 0, 8);
  entry.shape = {3, 3};

  EXPECT_REEL_ERROR(open({entry}), kBadFile, "\"a\" 8 bytes; u8 [3, 3] needs 9");
}

TEST_F(TensorFileTest, RefusesTheSameNameTwice) {
  EXPECT_REEL_ERROR(open({bytes_entry("a", 0, 4), bytes_entry("a", 4, 4)}), kBadFile,
                    "names the tensor \"a\" twice");
}

TEST_F(TensorFileTest, RefusesSharedBytesUnlessTheFormatAllowsThem) {
  const std::vector<TensorEntry> entries = {bytes_entry("a", 0, 5), bytes_entry("b", 4, 4)};

  EXPECT_REEL_ERROR(open(entries), kBadFile, "the same bytes to the tensors \"a\" and \"b\"");
  EXPECT_EQ(read_text(open(entries, true), "b"), "4567");
}

TEST_F(TensorFileTest, NoticesThatTheFileHasShrunk) {
  const auto file = open({bytes_entry("a", 0, 16)});
  std::filesystem::resize_file(folder_ / "x", 8);

  EXPECT_REEL_ERROR(read_text(file, "a"), kBadFile, "ends at byte 8");
}

TEST(CheckedStorageBytes, CountsBlocks) {
  EXPECT_EQ(checked_storage_bytes(DType::kBF16, std::vector<int64_t>{3, 5}), 30u);
  EXPECT_EQ(checked_storage_bytes(DType::kF32, std::vector<int64_t>{}), 4u);
  EXPECT_EQ(checked_storage_bytes(DType::kQ4_K, std::vector<int64_t>{2, 256}), 288u);
  EXPECT_EQ(checked_storage_bytes(DType::kQ4_K, std::vector<int64_t>{100}), std::nullopt);
}

TEST(CheckedStorageBytes, RefusesProductsThatOverflow) {
  constexpr int64_t kHuge = int64_t{1} << 40;
  EXPECT_EQ(checked_storage_bytes(DType::kU8, std::vector<int64_t>{kHuge, kHuge}), std::nullopt);
  EXPECT_EQ(checked_storage_bytes(DType::kU8, std::vector<int64_t>{kHuge, kHuge, 0}), std::nullopt);
  EXPECT_EQ(checked_storage_bytes(DType::kF64, std::vector<int64_t>{int64_t{1} << 61}),
            std::nullopt);
  EXPECT_EQ(checked_storage_bytes(DType::kU8, std::vector<int64_t>{-1}), std::nullopt);
  EXPECT_EQ(checked_storage_bytes(DType::kU8, std::vector<int64_t>(7, 1)), std::nullopt);
}

TEST(CheckedSpanBytes, ReachesToTheLastElement) {
  // Elements 0..2 in steps of 1, rows 10 apart: the last is 1 * 10 + 2 * 1 = 12.
  EXPECT_EQ(checked_span_bytes(DType::kU8, std::vector<int64_t>{2, 3}, std::vector<int64_t>{10, 1}),
            13u);
  EXPECT_EQ(checked_span_bytes(DType::kU8, std::vector<int64_t>{2}, std::vector<int64_t>{-1}),
            std::nullopt);
  EXPECT_EQ(checked_span_bytes(DType::kU8, std::vector<int64_t>{3},
                               std::vector<int64_t>{int64_t{1} << 62}),
            std::nullopt);
}

}  // namespace
}  // namespace reel::formats
