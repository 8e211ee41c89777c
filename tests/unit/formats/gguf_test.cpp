// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "core/block_formats.h"
#include "formats/gguf_writer.h"
#include "formats/little_endian.h"
#include "support/expect_error.h"
#include "support/hostile_file.h"
#include "support/places.h"
#include "support/temp_folder.h"

namespace reel::formats {
namespace {

using std::string_literals::operator""s;

const std::filesystem::path kSamples = test::data_folder() / "formats" / "samples.gguf";

TEST(Gguf, ReadsTheMetadataThatGgufPyWrites) {
  const GgufFile file{InputFile(kSamples)};

  EXPECT_EQ(file.metadata().at("general.architecture"), "wan");
  EXPECT_EQ(file.metadata().at("wan.count"), "7");
  EXPECT_EQ(file.metadata().at("wan.scale"), "0.5");
  EXPECT_EQ(file.metadata().at("wan.flag"), "1");
  ASSERT_NE(file.strings("tokenizer.ggml.tokens"), nullptr);
  EXPECT_EQ(file.strings("tokenizer.ggml.tokens")->at(2), "\u2581a");
  EXPECT_EQ(*file.floats("tokenizer.ggml.scores"), (std::vector<double>{0, -1, -2.5}));
  EXPECT_EQ(*file.integers("tokenizer.ggml.token_type"), (std::vector<int64_t>{3, 3, 1}));
  EXPECT_EQ(*file.bytes("tokenizer.ggml.precompiled_charsmap"), (std::vector<uint8_t>{0, 1, 255}));
  EXPECT_EQ(file.floats("tokenizer.ggml.tokens"), nullptr);
  EXPECT_EQ(file.strings("no.such.key"), nullptr);
}

TEST(Gguf, ReadsTheTensorsThatGgufPyWrites) {
  const auto file = open_tensor_file(kSamples);

  EXPECT_EQ(file->format(), FileFormat::kGguf);
  EXPECT_EQ(file->find("half")->dtype, DType::kF16);
  EXPECT_EQ(file->find("bf16")->dtype, DType::kBF16);
  EXPECT_EQ(file->find("bf16")->shape, (Shape{2, 256}));
  EXPECT_EQ(file->find("patch_embedding.weight")->shape, (Shape{4, 1, 2, 2}));
  EXPECT_EQ(file->find("reshaped")->shape, (Shape{4, 2, 64}));  // stored as [2, 256]
  const TensorEntry& entry = *file->find("q8_0");
  EXPECT_EQ(entry.shape, (Shape{2, 256}));
  std::vector<std::byte> blocks(entry.size_bytes);
  std::vector<float> ramp(512);
  file->read(entry, blocks);
  dequantise_blocks(entry.dtype, blocks.data(), 512, ramp.data());
  for (size_t index = 0; index < ramp.size(); ++index) {
    EXPECT_NEAR(ramp[index], -1 + 2 * static_cast<float>(index) / 511, 0.005f);
  }
}

// --- files by hand

std::string gguf_text(const std::string& value) {
  return little_endian(uint64_t{value.size()}) + value;
}

std::string header(uint64_t tensors, uint64_t pairs, uint32_t version = 3) {
  return "GGUF"s + little_endian(version) + little_endian(tensors) + little_endian(pairs);
}

std::string tensor(const std::string& name, const std::vector<uint64_t>& extents, uint32_t type,
                   uint64_t offset_bytes) {
  std::string bytes = gguf_text(name) + little_endian(static_cast<uint32_t>(extents.size()));
  for (const uint64_t extent : extents) bytes += little_endian(extent);
  return bytes + little_endian(type) + little_endian(offset_bytes);
}

std::string pair(const std::string& key, uint32_t type, const std::string& value) {
  return gguf_text(key) + little_endian(type) + value;
}

// Opens the bytes, padded to the start of the data, with 64 bytes of data.
std::unique_ptr<TensorFile> open_gguf(std::string bytes) {
  const test::TempFolder folder;
  bytes.resize((bytes.size() + 31) / 32 * 32 + 64);
  test::write_file(folder / "x.gguf", bytes);
  return open_tensor_file(folder / "x.gguf");
}

TEST(Gguf, ReadsVersionTwoAndSixAxes) {
  const auto file = open_gguf(header(1, 0, 2) + tensor("w", {2, 2, 1, 2, 1, 2}, 0, 0));

  EXPECT_EQ(file->find("w")->shape, (Shape{2, 1, 2, 1, 2, 2}));
}

TEST(Gguf, HonoursTheAlignment) {
  const auto file = open_gguf(header(1, 1) + pair("general.alignment", 4, little_endian(8u)) +
                              tensor("w", {2}, 0, 8));

  EXPECT_EQ(file->find("w")->offset_bytes % 8, 0u);
  EXPECT_REEL_ERROR(open_gguf(header(0, 1) + pair("general.alignment", 4, little_endian(0u))),
                    kBadFile, "its alignment is \"0\"");
  EXPECT_REEL_ERROR(open_gguf(header(0, 1) + pair("general.alignment", 4, little_endian(24u))),
                    kBadFile, "its alignment is \"24\"");
}

TEST(Gguf, ReadsEveryTypeOfNumber) {
  const auto file = open_gguf(
      header(0, 8) + pair("u8", 0, "\xff"s) + pair("i8", 1, "\xff"s) +
      pair("u16", 2, little_endian(uint16_t{65535})) + pair("i16", 3, little_endian(int16_t{-2})) +
      pair("i32", 5, little_endian(-3)) + pair("u64", 10, little_endian(~uint64_t{0})) +
      pair("i64", 11, little_endian(int64_t{-4})) +
      pair("f64", 12, little_endian(uint64_t{0x3ff8000000000000})));

  const std::map<std::string, std::string> expected = {
      {"u8", "255"}, {"i8", "-1"},  {"u16", "65535"}, {"i16", "-2"},
      {"i32", "-3"}, {"i64", "-4"}, {"f64", "1.5"},   {"u64", "18446744073709551615"}};
  EXPECT_EQ(file->metadata(), expected);
}

TEST(Gguf, NamesOtherVersionsAndTypes) {
  EXPECT_REEL_ERROR(open_gguf(header(0, 0, 1)), kUnsupported, "is GGUF of version 1");
  EXPECT_REEL_ERROR(open_gguf(header(0, 0, 0x03000000)), kUnsupported, "big-endian");
  EXPECT_REEL_ERROR(open_gguf(header(1, 0) + tensor("w", {256}, 16, 0)), kUnsupported,
                    "stores the tensor \"w\" in the ggml type 16");
  EXPECT_REEL_ERROR(open_gguf(header(0, 1) + pair("k", 13, "")), kBadFile,
                    "\"k\" is of the unknown type 13");
}

TEST(Gguf, RefusesArraysOfArrays) {
  const std::string nested = little_endian(9u) + little_endian(uint64_t{1});
  EXPECT_REEL_ERROR(open_gguf(header(0, 1) + pair("k", 9, nested)), kBadFile, "unknown type 9");
}

TEST(Gguf, RefusesImpossibleShapes) {
  constexpr uint64_t kHuge = uint64_t{1} << 40;
  EXPECT_REEL_ERROR(open_gguf(header(1, 0) + tensor("w", std::vector<uint64_t>(7, 1), 0, 0)),
                    kBadFile, "\"w\" has 7 axes");
  EXPECT_REEL_ERROR(open_gguf(header(1, 0) + tensor("w", {kHuge, kHuge}, 0, 0)), kBadFile,
                    "\"w\" has an impossible shape");
  EXPECT_REEL_ERROR(open_gguf(header(1, 0) + tensor("w", {~uint64_t{0}}, 0, 0)), kBadFile,
                    "impossible shape");
  EXPECT_REEL_ERROR(open_gguf(header(1, 0) + tensor("w", {16, 2}, 8, 0)), kBadFile,
                    "impossible shape");  // a row of half a Q8_0 block
}

TEST(Gguf, RefusesImpossibleOffsets) {
  EXPECT_REEL_ERROR(open_gguf(header(1, 0) + tensor("w", {2}, 0, 4)), kBadFile,
                    "impossible offset");
  EXPECT_REEL_ERROR(open_gguf(header(1, 0) + tensor("w", {2}, 0, ~uint64_t{31})), kBadFile,
                    "impossible offset");
  EXPECT_REEL_ERROR(open_gguf(header(1, 0) + tensor("w", {17}, 0, 0)), kBadFile,
                    "The download is incomplete");
  EXPECT_REEL_ERROR(open_gguf(header(2, 0) + tensor("a", {16}, 0, 0) + tensor("b", {2}, 0, 32)),
                    kBadFile, "the same bytes to the tensors \"a\" and \"b\"");
}

TEST(Gguf, RefusesDuplicates) {
  EXPECT_REEL_ERROR(open_gguf(header(2, 0) + tensor("a", {2}, 0, 0) + tensor("a", {2}, 0, 32)),
                    kBadFile, "names the tensor \"a\" twice");
  EXPECT_REEL_ERROR(open_gguf(header(0, 2) + pair("k", 0, "1") + pair("k", 0, "1")), kBadFile,
                    "\"k\" appears twice");
}

TEST(Gguf, RefusesAnOriginalShapeOfOtherData) {
  const std::string extents = little_endian(5u) + little_endian(uint64_t{1}) + little_endian(9);
  EXPECT_REEL_ERROR(open_gguf(header(1, 1) + pair("comfy.gguf.orig_shape.w", 9, extents) +
                              tensor("w", {2}, 0, 0)),
                    kBadFile, "the original shape of \"w\" holds other data");
}

TEST(Gguf, RefusesCountsThatTheFileCannotHold) {
  EXPECT_REEL_ERROR(open_gguf(header(~uint64_t{0}, 0)), kBadFile, "damaged");
  EXPECT_REEL_ERROR(open_gguf(header(0, ~uint64_t{0})), kBadFile, "damaged");
  EXPECT_REEL_ERROR(open_gguf(header(0, 1) + little_endian(~uint64_t{0})), kBadFile, "ends at");
  const std::string array = little_endian(0u) + little_endian(~uint64_t{0});
  EXPECT_REEL_ERROR(open_gguf(header(0, 1) + pair("k", 9, array)), kBadFile, "incomplete");
}

// --- the writer

std::string small_gguf() {
  const test::TempFolder folder;
  const auto writer =
      start_gguf(folder / "x", {{"w", DType::kQ4_0, {2, 32}}, {"b", DType::kF32, {1, 2}}},
                 {{"k", "v"s}, {"tokens", std::vector<std::string>{"a", "b"}}});
  writer->append(std::vector<std::byte>(36, std::byte{0x11}));
  writer->append_zeros();
  writer->commit();
  return read_text_file(folder / "x", 10'000);
}

TEST(Gguf, RefusesEveryTruncation) {
  // The last bytes pad the file to its alignment.
  const std::string bytes = small_gguf();
  test::expect_truncations_refused(bytes.substr(0, bytes.size() - 24));
}

TEST(Gguf, SurvivesEveryBitFlip) { test::expect_bit_flips_survived(small_gguf()); }

TEST(GgufWriter, WritesWhatTheReaderReads) {
  const test::TempFolder folder;
  const std::map<std::string, GgufValue> metadata = {{"bool", true},
                                                     {"bytes", std::vector<uint8_t>{1, 2}},
                                                     {"float", 0.25f},
                                                     {"floats", std::vector<float>{-1.5f}},
                                                     {"ids", std::vector<int32_t>{-7}},
                                                     {"large", uint64_t{1} << 40},
                                                     {"tokens", std::vector<std::string>{"a", ""}}};
  const auto writer =
      start_gguf(folder / "x",
                 {{"patch", DType::kF32, {5, 2, 1, 2, 2}}, {"q", DType::kQ6_K, {512}}}, metadata);
  writer->append_zeros();
  writer->append_zeros();
  writer->commit();

  const GgufFile file{InputFile(folder / "x")};

  EXPECT_EQ(file.find("patch")->shape, (Shape{5, 2, 1, 2, 2}));
  EXPECT_EQ(file.find("q")->size_bytes, 420u);
  EXPECT_EQ(file.metadata().at("bool"), "1");
  EXPECT_EQ(file.metadata().at("float"), "0.25");
  EXPECT_EQ(file.metadata().at("large"), "1099511627776");
  EXPECT_EQ(*file.bytes("bytes"), (std::vector<uint8_t>{1, 2}));
  EXPECT_EQ(*file.floats("floats"), std::vector<double>{-1.5});
  EXPECT_EQ(*file.integers("ids"), std::vector<int64_t>{-7});
  EXPECT_EQ(*file.strings("tokens"), (std::vector<std::string>{"a", ""}));
}

TEST(GgufWriter, ReadsBackAHeaderOfSeveralMegabytes) {
  const test::TempFolder folder;
  const std::vector<std::string> tokens(256'000, "a token");
  const auto writer = start_gguf(folder / "x", {{"w", DType::kF32, {1}}}, {{"tokens", tokens}});
  writer->append_zeros();
  writer->commit();

  EXPECT_EQ(*GgufFile(InputFile(folder / "x")).strings("tokens"), tokens);
}

TEST(GgufWriter, RefusesWhatTheFormatCannotHold) {
  const test::TempFolder folder;
  EXPECT_REEL_ERROR(start_gguf(folder / "x", {{"a", DType::kF8E4M3, {4}}}, {}), kInvalidArgument,
                    "\"a\" is f8_e4m3, which GGUF cannot hold");
  EXPECT_REEL_ERROR(start_gguf(folder / "x", {{"a", DType::kQ8_0, {2, 16}}}, {}), kInvalidArgument,
                    "needs rows of a multiple of 32");
}

}  // namespace
}  // namespace reel::formats
