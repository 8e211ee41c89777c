// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <array>

#include "base/file.h"
#include "formats/safetensors_writer.h"
#include "support/expect_error.h"
#include "support/hostile_file.h"
#include "support/temp_folder.h"

namespace reel::formats {
namespace {

std::string with_header(const std::string& json, const std::string& data = "") {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(json.size() >> shift);
  return bytes + json + data;
}

std::unique_ptr<TensorFile> open_header(const std::string& json, const std::string& data = "") {
  const test::TempFolder folder;
  test::write_file(folder / "x.safetensors", with_header(json, data));
  return open_tensor_file(folder / "x.safetensors");
}

std::string one_tensor(const std::string& fields) { return "{\"a\":{" + fields + "}}"; }

TEST(Safetensors, ReadsEntriesAndMetadata) {
  const auto file = open_header(
      R"({"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"U8","shape":[],"data_offsets":[8,9]},)"
      R"("a":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8],"note":"of no meaning"}}   )",
      "01234567!");

  EXPECT_EQ(file->format(), FileFormat::kSafetensors);
  EXPECT_EQ(file->metadata().at("format"), "pt");
  ASSERT_EQ(file->entries().size(), 2u);
  const TensorEntry& entry = file->entries()[0];
  EXPECT_EQ(entry.name, "a");
  EXPECT_EQ(entry.dtype, DType::kBF16);
  EXPECT_EQ(entry.shape, (Shape{2, 2}));
  std::array<std::byte, 8> bytes{};
  file->read(entry, bytes);
  EXPECT_EQ(bytes[7], std::byte{'7'});
  EXPECT_EQ(file->entries()[1].shape, Shape{});
}

TEST(Safetensors, ReadsAFileWithoutTensors) { EXPECT_TRUE(open_header("{}")->entries().empty()); }

TEST(Safetensors, KnowsTheTensorNamesOfWhateverOrder) {
  const auto file = open_header(R"({"late":{"dtype":"I8","shape":[1],"data_offsets":[3,4]},)"
                                R"("early":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}})",
                                "0123");

  EXPECT_EQ(file->find("late")->offset_bytes, file->find("early")->offset_bytes + 3);
}

TEST(Safetensors, RefusesBrokenJson) {
  EXPECT_REEL_ERROR(open_header("{\"a\":"), kBadFile, "damaged header: no JSON from byte");
  EXPECT_REEL_ERROR(open_header("{\"a\":{\"dtype\":NaN}}"), kBadFile, "no JSON");
  EXPECT_REEL_ERROR(open_header("{\"a\":{\"dtype\":1e999}}"), kBadFile, "a number is too large");
  EXPECT_REEL_ERROR(open_header("{\"\xff\":{}}"), kBadFile, "no JSON");
  EXPECT_REEL_ERROR(open_header("{} {}"), kBadFile, "no JSON");
}

TEST(Safetensors, RefusesHeadersOfAnotherForm) {
  EXPECT_REEL_ERROR(open_header("{\"a\":5}"), kBadFile, "at \"a\": not made of objects");
  EXPECT_REEL_ERROR(open_header("{\"a\":[[]]}"), kBadFile, "not made of objects");
  EXPECT_REEL_ERROR(open_header("{\"a\":{\"b\":{}}}"), kBadFile, "nested too deeply");
  EXPECT_REEL_ERROR(open_header("{\"a\":{\"shape\":[[1]]}}"), kBadFile, "not made of objects");
  EXPECT_REEL_ERROR(open_header("{\"a\":{}}"), kBadFile, "no dtype");
  EXPECT_REEL_ERROR(open_header("{\"__metadata__\":{\"a\":1}}"), kBadFile, "not text");
}

TEST(Safetensors, RefusesDuplicateKeys) {
  EXPECT_REEL_ERROR(open_header(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
                                R"("a":{"dtype":"U8","shape":[],"data_offsets":[1,2]}})",
                                "01"),
                    kBadFile, "names \"a\" twice");
  EXPECT_REEL_ERROR(open_header(one_tensor(R"("dtype":"U8","dtype":"I8")")), kBadFile,
                    "names \"dtype\" twice for \"a\"");
}

TEST(Safetensors, NamesAnUnknownDtype) {
  EXPECT_REEL_ERROR(
      open_header(one_tensor(R"("dtype":"F4","shape":[1],"data_offsets":[0,1])"), "0"),
      kUnsupported, "stores the tensor \"a\" as \"F4\"");
}

TEST(Safetensors, RefusesBadShapes) {
  const auto shaped = [](const std::string& shape) {
    return one_tensor("\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":" + shape);
  };
  EXPECT_REEL_ERROR(open_header(shaped("[-1]")), kBadFile, "no shape of whole numbers");
  EXPECT_REEL_ERROR(open_header(shaped("[1.5]")), kBadFile, "no shape of whole numbers");
  EXPECT_REEL_ERROR(open_header(shaped("[true]")), kBadFile, "no shape of whole numbers");
  EXPECT_REEL_ERROR(open_header(shaped("[9223372036854775808]")), kBadFile, "no shape");
  EXPECT_REEL_ERROR(open_header(shaped("[4294967296,4294967296]")), kBadFile, "impossible shape");
  EXPECT_REEL_ERROR(open_header(shaped("[4294967296,4294967296,0]")), kBadFile, "impossible shape");
  EXPECT_REEL_ERROR(open_header(shaped("[1,1,1,1,1,1,1]")), kBadFile, "too long");
}

TEST(Safetensors, RefusesBadOffsets) {
  const auto at = [](const std::string& offsets) {
    return one_tensor("\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + offsets);
  };
  EXPECT_REEL_ERROR(open_header(at("[4,0]"), "0123"), kBadFile, "bad data_offsets");
  EXPECT_REEL_ERROR(open_header(at("[0]"), "0123"), kBadFile, "bad data_offsets");
  EXPECT_REEL_ERROR(open_header(at("[0,3]"), "0123"), kBadFile, "u8 [4] needs 4");
  EXPECT_REEL_ERROR(open_header(at("[1,5]"), "0123"), kBadFile, "The download is incomplete");
  EXPECT_REEL_ERROR(open_header(at("[9223372036854775803,9223372036854775807]"), "0123"), kBadFile,
                    "ends at byte");
}

TEST(Safetensors, RefusesOverlappingTensors) {
  EXPECT_REEL_ERROR(open_header(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                                R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                                "0123"),
                    kBadFile, "the same bytes to the tensors \"a\" and \"b\"");
}

TEST(Safetensors, SaysThatTheHeaderIsCutOff) {
  const test::TempFolder folder;
  test::write_file(folder / "x", with_header("{\"a\":{\"dtype\":\"U8\"}}").substr(0, 20));

  EXPECT_REEL_ERROR(open_tensor_file(folder / "x"), kBadFile,
                    "ends at byte 20 but its header reaches to byte 28");
}

TEST(Safetensors, RefusesAHugeHeader) {
  const test::TempFolder folder;
  test::write_file(folder / "x", std::string("\x00\x00\x00\x00\x01\x00\x00\x00{}", 10));

  EXPECT_REEL_ERROR(open_tensor_file(folder / "x"), kBadFile, "a header of 4,294,967,296 bytes");
}

// Two tensors of different widths, written by our writer.
std::string small_safetensors() {
  const test::TempFolder folder;
  const auto writer = start_safetensors(
      folder / "x", {{"scale", DType::kI8, {3}}, {"weight", DType::kF32, {1, 2}}}, {{"k", "v"}});
  writer->append(std::as_bytes(std::span("abc", 3)));
  writer->append(std::as_bytes(std::span("0123", 4)));
  writer->append(std::as_bytes(std::span("4567", 4)));
  writer->commit();
  return read_text_file(folder / "x", 10'000);
}

TEST(Safetensors, RefusesEveryTruncation) { test::expect_truncations_refused(small_safetensors()); }
TEST(Safetensors, SurvivesEveryBitFlip) { test::expect_bit_flips_survived(small_safetensors()); }

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
  const test::TempFolder folder;
  test::write_file(folder / "x", small_safetensors());

  const auto file = open_tensor_file(folder / "x");

  EXPECT_EQ(file->metadata().at("k"), "v");
  const TensorEntry& weight = *file->find("weight");
  EXPECT_EQ(weight.offset_bytes % 8, 0u);  // wide numbers first, so that they are aligned
  EXPECT_EQ(weight.shape, (Shape{1, 2}));
  std::array<std::byte, 8> bytes{};
  file->read(weight, bytes);
  EXPECT_EQ(bytes[5], std::byte{'5'});
  file->read_range(*file->find("scale"), 1, std::span(bytes).first(2));
  EXPECT_EQ(bytes[1], std::byte{'c'});
}

TEST(SafetensorsWriter, WritesTerabytesOfZerosThatTakeNoSpace) {
  const test::TempFolder folder;
  const auto writer = start_safetensors(
      folder / "x", {{"a", DType::kBF16, {1 << 20, 1 << 18}}, {"none", DType::kU8, {0}}}, {});
  writer->append_zeros();
  writer->commit();

  const auto file = open_tensor_file(folder / "x");

  EXPECT_EQ(file->find("a")->size_bytes, uint64_t{1} << 39);
  std::array<std::byte, 4> bytes{std::byte{1}};
  file->read_range(*file->find("a"), (uint64_t{1} << 39) - 4, bytes);
  EXPECT_EQ(bytes[0], std::byte{0});
}

TEST(SafetensorsWriter, CountsTheBytesOfEveryTensor) {
  const test::TempFolder folder;
  const auto writer = start_safetensors(folder / "x", {{"a", DType::kU8, {4}}}, {});

  EXPECT_REEL_ERROR(writer->commit(), kInvalidArgument, "\"a\" lacks 4 bytes");
  EXPECT_REEL_ERROR(writer->append(std::as_bytes(std::span("01234"))), kInvalidArgument,
                    "lacks 4 bytes; 6 were given");
  writer->append_zeros();
  EXPECT_REEL_ERROR(writer->append(std::as_bytes(std::span("0"))), kInvalidArgument,
                    "after the last tensor");
}

TEST(SafetensorsWriter, RefusesWhatTheFormatCannotHold) {
  const test::TempFolder folder;
  EXPECT_REEL_ERROR(start_safetensors(folder / "x", {{"a", DType::kQ8_0, {32}}}, {}),
                    kInvalidArgument, "\"a\" is q8_0, which safetensors cannot hold");
  EXPECT_REEL_ERROR(
      start_safetensors(folder / "x", {{"a", DType::kU8, {1}}, {"a", DType::kU8, {1}}}, {}),
      kInvalidArgument, "\"a\" is declared twice");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ShardIndex, IsReadAsItWasWritten) {
  const test::TempFolder folder;
  write_shard_index(folder / "i", {{{"a", "1.safetensors"}, {"b", "2.safetensors"}}, {{"k", "5"}}});

  const ShardIndex index = read_shard_index(folder / "i");

  EXPECT_EQ(index.file_of.at("b"), "2.safetensors");
  EXPECT_EQ(index.metadata.at("k"), "5");
}

ShardIndex read_index(const std::string& text) {
  const test::TempFolder folder;
  test::write_file(folder / "i.json", text);
  return read_shard_index(folder / "i.json");
}

TEST(ShardIndex, ReadsNumbersInItsMetadata) {
  const auto index =
      read_index(R"({"metadata":{"total_size":28577000000},"weight_map":{"a":"1.safetensors"}})");

  EXPECT_EQ(index.metadata.at("total_size"), "28577000000");
}

TEST(ShardIndex, RefusesFilesElsewhere) {
  for (const char* file : {"../x", "/etc/x", "a/b", "..", ".", "", "a\\\\b", "a\\u0000b"}) {
    EXPECT_REEL_ERROR(read_index(std::string(R"({"weight_map":{"t":")") + file + "\"}}"), kBadFile,
                      "a file of the same folder is needed");
  }
  EXPECT_REEL_ERROR(read_index(R"({"weight_map":{"t":5}})"), kBadFile, "in no file");
}

TEST(ShardIndex, RefusesOtherJson) {
  EXPECT_REEL_ERROR(read_index("[]"), kBadFile, "no weight_map");
  EXPECT_REEL_ERROR(read_index("{\"weight_map\":[]}"), kBadFile, "no weight_map");
  EXPECT_REEL_ERROR(read_index("{\"weight_map\":"), kBadFile, "damaged index");
  EXPECT_REEL_ERROR(read_index(R"({"weight_map":{"a":"1","a":"2"}})"), kBadFile, "\"a\" twice");
  EXPECT_REEL_ERROR(read_index(std::string(100'000, '[')), kBadFile, "nested too deeply");
}

}  // namespace
}  // namespace reel::formats
