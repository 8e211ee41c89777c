// SPDX-License-Identifier: Apache-2.0
#include "formats/mp4_comment.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "support/expect_error.h"
#include "support/memory_file.h"
#include "support/temp_folder.h"

namespace reel::formats {
namespace {

std::string big_endian(uint64_t value, int count_bytes) {
  std::string bytes;
  for (int byte = count_bytes - 1; byte >= 0; --byte) {
    bytes += static_cast<char>(value >> (8 * byte));
  }
  return bytes;
}

std::string box(const std::string& name, const std::string& content) {
  return big_endian(content.size() + 8, 4) + name + content;
}

// With its size in 64 bits.
std::string long_box(const std::string& name, const std::string& content) {
  return big_endian(1, 4) + name + big_endian(content.size() + 16, 8) + content;
}

const std::string kType = box("ftyp", "isom");

std::string data(const std::string& text, uint32_t kind = 1) {
  return box("data", big_endian(kind, 4) + big_endian(0, 4) + text);
}

// The index of a clip that has `tags`, behind other boxes.
std::string index_with(const std::string& tags) {
  const std::string meta = big_endian(0, 4) + box("hdlr", "mdirappl") + box("ilst", tags);
  return box("moov", box("mvhd", std::string(100, 'x')) + box("udta", box("meta", meta)));
}

std::string tag(const std::string& text) {
  return box(
      "\xa9"
      "cmt",
      data(text));
}

std::optional<std::string> read(const std::string& bytes) {
  test::MemoryFile file;
  file.write(bytes);
  return read_mp4_comment(file.path());
}

TEST(Mp4Comment, IsFoundBehindOtherTags) {
  const std::string other =
      box("\xa9"
          "nam",
          data("a title"));

  EXPECT_EQ(read(kType + index_with(other + tag("{\"reel\": 1}"))), "{\"reel\": 1}");
}

TEST(Mp4Comment, IsFoundBeforeAndBehindTheFrames) {
  const std::string frames = box("mdat", std::string(5000, 'f'));

  EXPECT_EQ(read(kType + index_with(tag("x")) + frames), "x");
  EXPECT_EQ(read(kType + frames + index_with(tag("y"))), "y");
  EXPECT_EQ(read(kType + long_box("mdat", std::string(500, 'f')) + index_with(tag("z"))), "z");
}

TEST(Mp4Comment, MayBeLongOrEmpty) {
  const std::string text(3'000'000, '\xe7');

  EXPECT_EQ(read(kType + index_with(tag(text))), text);
  EXPECT_EQ(read(kType + index_with(tag(""))), "");
}

TEST(Mp4Comment, ABoxOfSizeZeroReachesToTheEnd) {
  std::string index = index_with(tag("last"));
  index.replace(0, 4, big_endian(0, 4));

  EXPECT_EQ(read(kType + index), "last");
}

TEST(Mp4Comment, IsAbsentWithoutItsTagOrAsAnotherKindOfData) {
  EXPECT_EQ(read(kType + box("moov", box("mvhd", "x"))), std::nullopt);
  EXPECT_EQ(read(kType + box("moov", box("udta", ""))), std::nullopt);
  EXPECT_EQ(read(kType + box("moov", box("udta", box("meta", "")))), std::nullopt);
  EXPECT_EQ(read(kType + index_with("")), std::nullopt);
  EXPECT_EQ(read(kType + index_with(box("\xa9"
                                        "nam",
                                        data("a title")))),
            std::nullopt);
  EXPECT_EQ(read(kType + index_with(box("\xa9"
                                        "cmt",
                                        data("a JPEG", 13)))),
            std::nullopt);
  EXPECT_EQ(read(kType + index_with(box("\xa9"
                                        "cmt",
                                        box("data", "short")))),
            std::nullopt);
}

TEST(Mp4Comment, RefusesWhatIsNoMp4File) {
  EXPECT_REEL_ERROR(read(""), kBadFile, "is not an MP4 file");
  EXPECT_REEL_ERROR(read("#!/bin/sh\n"), kBadFile, "it has \"in/s\" at byte 4");
  const test::TempFolder folder;
  EXPECT_REEL_ERROR(read_mp4_comment(folder / "none.mp4"), kNotFound, "none.mp4");
}

TEST(Mp4Comment, RefusesAFileWithoutAnIndex) {
  EXPECT_REEL_ERROR(read(kType), kBadFile, "without an index");
  EXPECT_REEL_ERROR(read(kType + box("mdat", "frames")), kBadFile, "without an index");
  std::string many = kType;
  for (int count = 0; count < 5000; ++count) many += box("free", "");
  EXPECT_REEL_ERROR(read(many + index_with(tag("far"))), kBadFile, "without an index");
}

TEST(Mp4Comment, RefusesBoxesThatDoNotFit) {
  EXPECT_REEL_ERROR(read(kType + big_endian(7, 4) + "moov"), kBadFile, "less than its header");
  EXPECT_REEL_ERROR(read(kType + big_endian(100, 4) + "moov"), kBadFile,
                    "has 8 bytes where the box \"moov\" of 100");
  EXPECT_REEL_ERROR(read(kType + big_endian(1, 4) + "moov" + big_endian(~0ull, 8)), kBadFile,
                    "where the box \"moov\"");
  EXPECT_REEL_ERROR(read(kType + big_endian(1, 4) + "moov"), kBadFile, "header of a box of 16");
  const std::string inner = big_endian(0xffffffff, 4) + "udta";
  EXPECT_REEL_ERROR(read(kType + box("moov", inner)), kBadFile, "\"udta\"");
}

TEST(Mp4Comment, RefusesAnIndexThatNoMemoryShouldHold) {
  test::MemoryFile file;
  file.write(kType + big_endian(1, 4) + "moov" + big_endian(uint64_t{1} << 30, 8));
  std::filesystem::resize_file(file.path(), uint64_t{2} << 30);  // a hole

  EXPECT_REEL_ERROR(read_mp4_comment(file.path()), kBadFile, "an index of 1,073,741,808 bytes");
}

// A shorter copy is refused, or has lost what stood behind the cut.
TEST(Mp4Comment, SurvivesEveryCut) {
  const std::string whole = kType + index_with(tag("recipe")) + box("mdat", "frames");
  const size_t index_end = whole.size() - box("mdat", "frames").size();
  for (size_t size = 0; size < whole.size(); ++size) {
    if (size >= index_end) {
      EXPECT_EQ(read(whole.substr(0, size)), "recipe") << size;
    } else {
      EXPECT_REEL_ERROR(read(whole.substr(0, size)), kBadFile, "");
    }
  }
}

TEST(Mp4Comment, SurvivesEveryFlippedBit) {
  const std::string whole = kType + index_with(tag("recipe"));
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    try {
      const auto comment = read(damaged);
      EXPECT_LE(comment.value_or("").size(), whole.size());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFile) << "bit " << bit << ": " << error.what();
    }
  }
}

}  // namespace
}  // namespace reel::formats
