// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_zip.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "base/file.h"
#include "formats/torch_zip_writer.h"
#include "support/expect_error.h"
#include "support/hostile_file.h"
#include "support/places.h"
#include "support/temp_folder.h"
#include "support/zip_archive.h"

namespace reel::formats {
namespace {

const std::filesystem::path kData = test::data_folder() / "formats";

std::vector<float> read_floats(const TensorFile& file, std::string_view name) {
  const TensorEntry& entry = *file.find(name);
  std::vector<float> values(static_cast<size_t>(entry.shape.elements()));
  file.read(entry, std::as_writable_bytes(std::span(values)));
  return values;
}

TEST(TorchZip, ReadsEveryDtypeThatTorchWrites) {
  struct Expected {
    const char* name;
    DType dtype;
  };
  for (const char* sample : {"dtypes.pth", "protocol_4.pth"}) {
    const auto file = open_tensor_file(kData / sample);

    EXPECT_EQ(file->format(), FileFormat::kTorchZip);
    EXPECT_EQ(file->entries().size(), 10u);
    for (const auto& [name, dtype] :
         {Expected{"float32", DType::kF32}, Expected{"float16", DType::kF16},
          Expected{"bfloat16", DType::kBF16}, Expected{"float8_e4m3fn", DType::kF8E4M3},
          Expected{"float8_e5m2", DType::kF8E5M2}, Expected{"int8", DType::kI8},
          Expected{"uint8", DType::kU8}, Expected{"int32", DType::kI32},
          Expected{"int64", DType::kI64}, Expected{"float64", DType::kF64}}) {
      ASSERT_NE(file->find(name), nullptr) << name;
      EXPECT_EQ(file->find(name)->dtype, dtype);
      EXPECT_EQ(file->find(name)->shape, (Shape{2, 3}));
      EXPECT_EQ(file->find(name)->offset_bytes % 64, 0u);
    }
    EXPECT_EQ(read_floats(*file, "float32"), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  }
}

TEST(TorchZip, ReadsSlicesStridesAndSharedStorages) {
  const auto file = open_tensor_file(kData / "layouts.pth");

  EXPECT_EQ(file->entries().size(), 7u);
  EXPECT_EQ(read_floats(*file, "slice"), (std::vector<float>{2, 3, 4, 5}));
  EXPECT_EQ(read_floats(*file, "rest"), (std::vector<float>{4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(read_floats(*file, "transposed"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(read_floats(*file, "scalar"), std::vector<float>{3});
  EXPECT_EQ(read_floats(*file, "nothing"), std::vector<float>{});
  std::vector<float> counts(24);
  for (size_t index = 0; index < counts.size(); ++index) counts[index] = static_cast<float>(index);
  EXPECT_EQ(read_floats(*file, "channels_last"), counts);
}

// A .pth file with this pickle and a storage "0" of 24 bytes.
void open_pickle(const std::string& pickle) {
  const test::TempFolder folder;
  test::write_archive(
      folder / "x.pth",
      {{.name = "x/data.pkl", .size_bytes = pickle.size()}, {.name = "x/data/0", .size_bytes = 24}},
      pickle);
  open_tensor_file(folder / "x.pth");
}

// A dict with one float tensor; `layout` gives its offset, extents and strides.
std::string pickle_of(const std::string& layout, char key = '0', char elements = 6) {
  using std::string_literals::operator""s;
  return "}X\x01\0\0\0w"s + "ctorch._utils\n_rebuild_tensor_v2\n(" + "(X\x07\0\0\0storage"s +
         "ctorch\nFloatStorage\nX\x01\0\0\0"s + key + "X\x03\0\0\0cpuK"s + elements + "tQ" +
         layout + "\x89NtRs.";
}

TEST(TorchZip, RefusesTensorsThatDoNotFitTheirStorage) {
  using std::string_literals::operator""s;
  open_pickle(pickle_of("K\0K\x06\x85K\x01\x85"s));  // as it should be

  EXPECT_REEL_ERROR(open_pickle(pickle_of("K\x01K\x06\x85K\x01\x85")), kBadFile,
                    "tensor \"w\": it reaches out of its storage");
  EXPECT_REEL_ERROR(open_pickle(pickle_of("K\0K\x02\x85K\x06\x85"s)), kBadFile, "reaches out");
  EXPECT_REEL_ERROR(open_pickle(pickle_of("J\xff\xff\xff\xffK\x01\x85K\x01\x85")), kBadFile,
                    "reaches out");
  EXPECT_REEL_ERROR(open_pickle(pickle_of("K\0K\x06\x85J\xff\xff\xff\xff\x85"s)), kBadFile,
                    "reaches out");
  EXPECT_REEL_ERROR(open_pickle(pickle_of("K\0K\xff\x85K\0\x85"s)), kBadFile,
                    "it repeats its storage");
  EXPECT_REEL_ERROR(open_pickle(pickle_of("K\0K\x06\x85)"s)), kBadFile, "shape is impossible");
  EXPECT_REEL_ERROR(open_pickle(pickle_of("K\0(KKKKKKKKKKKKKKt)"s)), kBadFile, "impossible");
  EXPECT_REEL_ERROR(
      open_pickle(pickle_of("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x85K\x01\x85")),
      kBadFile, "reaches out");
}

TEST(TorchZip, NamesAMissingStorage) {
  using std::string_literals::operator""s;
  EXPECT_REEL_ERROR(open_pickle(pickle_of("K\0K\x06\x85K\x01\x85"s, '1')), kBadFile,
                    "lacks its entry \"x/data/1\"");
  EXPECT_REEL_ERROR(open_pickle(pickle_of("K\0K\x06\x85K\x01\x85"s, '0', 7)), kBadFile,
                    "its storage has 24 bytes of 28");
}

// An archive of empty entries with these names.
void open_archive(std::vector<ZipRecord> records) {
  const test::TempFolder folder;
  test::write_archive(folder / "x.pth", std::move(records));
  open_tensor_file(folder / "x.pth");
}

TEST(TorchZip, NamesOtherArchives) {
  EXPECT_REEL_ERROR(open_archive({{.name = "word/document.xml"}}), kBadFile,
                    "is a zip archive, but not one of PyTorch");
  EXPECT_REEL_ERROR(open_archive({{.name = "x/data.pkl"}, {.name = "x/constants.pkl"}}), kBadFile,
                    "is a TorchScript program");
  EXPECT_REEL_ERROR(open_archive({{.name = "x/data.pkl"}, {.name = "y/data.pkl"}}), kBadFile,
                    "two data.pkl");
  EXPECT_REEL_ERROR(open_archive({{.name = "x/data.pkl"}, {.name = "x/byteorder"}}), kUnsupported,
                    "byte order \"\"");
}

TEST(TorchZip, RefusesEveryTruncation) {
  test::expect_truncations_refused(read_text_file(kData / "layouts.pth", 100'000));
}

TEST(TorchZip, SurvivesEveryBitFlip) {
  test::expect_bit_flips_survived(read_text_file(kData / "layouts.pth", 100'000), 7);
}

TEST(TorchZipWriter, WritesWhatTheReaderReads) {
  const test::TempFolder folder;
  const std::vector<TensorSpec> tensors = {{"weight", DType::kF8E4M3, {2, 3}},
                                           {"scale", DType::kF32, {}},
                                           {"none", DType::kBF16, {0, 5}}};
  const auto writer = start_torch_zip(folder / "x.pth", tensors);
  writer->append(std::as_bytes(std::span("012345", 6)));
  writer->append(std::as_bytes(std::span("\0\0\x80\x3f", 4)));
  writer->commit();

  const auto file = open_tensor_file(folder / "x.pth");

  ASSERT_EQ(file->entries().size(), 3u);
  for (const TensorSpec& tensor : tensors) {
    EXPECT_EQ(file->find(tensor.name)->dtype, tensor.dtype);
    EXPECT_EQ(file->find(tensor.name)->shape, tensor.shape);
    EXPECT_EQ(file->find(tensor.name)->offset_bytes % 64, 0u);
  }
  std::array<std::byte, 6> bytes{};
  file->read(*file->find("weight"), bytes);
  EXPECT_EQ(bytes[5], std::byte{'5'});
  EXPECT_EQ(read_floats(*file, "scale"), std::vector<float>{1});
}

TEST(TorchZipWriter, WritesMoreThanFourGigabytesOfZeros) {
  const test::TempFolder folder;
  const auto writer = start_torch_zip(
      folder / "x.pth", {{"a", DType::kBF16, {256384, 16384}}, {"b", DType::kU8, {3}}});
  writer->append_zeros();
  writer->append(std::as_bytes(std::span("xyz", 3)));
  writer->commit();

  const auto file = open_tensor_file(folder / "x.pth");

  EXPECT_EQ(file->find("a")->size_bytes, 256384u * 16384u * uint64_t{2});
  std::array<std::byte, 3> bytes{};
  file->read(*file->find("b"), bytes);
  EXPECT_EQ(bytes[2], std::byte{'z'});
}

TEST(TorchZipWriter, RefusesWhatTheFormatCannotHold) {
  const test::TempFolder folder;
  EXPECT_REEL_ERROR(start_torch_zip(folder / "x.pth", {{"a", DType::kQ4_0, {32}}}),
                    kInvalidArgument, "\"a\" is q4_0, which a .pth file cannot hold");
}

}  // namespace
}  // namespace reel::formats
