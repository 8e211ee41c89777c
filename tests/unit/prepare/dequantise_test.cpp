// SPDX-License-Identifier: Apache-2.0
#include "prepare/dequantise.h"

#include <gmock/gmock.h>

#include <cstring>
#include <vector>

#include "core/numerics/small_floats.h"
#include "formats/safetensors_writer.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::prepare {
namespace {

using checkpoint::StoredTensor;
using testing::ElementsAre;

template <typename T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// A file with one tensor "w" and, where given, its scale "s".
class FileWithTensor {
 public:
  FileWithTensor(DType dtype, const Shape& shape, const std::vector<std::byte>& bytes) {
    write({{"w", dtype, shape}}, {bytes});
  }
  FileWithTensor(DType dtype, const Shape& shape, const std::vector<std::byte>& bytes,
                 DType scale_dtype, const Shape& scale_shape, const std::vector<std::byte>& scale) {
    write({{"w", dtype, shape}, {"s", scale_dtype, scale_shape}}, {bytes, scale});
  }

  StoredTensor tensor() const {
    StoredTensor stored{.file = file_, .entry = file_->find("w")};
    if (const formats::TensorEntry* scale = file_->find("s")) {
      stored.scale_file = file_;
      stored.scale = scale;
    }
    return stored;
  }

 private:
  void write(const std::vector<formats::TensorSpec>& specs,
             const std::vector<std::vector<std::byte>>& parts) {
    const auto writer = formats::start_safetensors(folder_ / "x.safetensors", specs, {});
    for (const auto& part : parts) writer->append(part);
    writer->commit();
    file_ = formats::open_tensor_file(folder_ / "x.safetensors");
  }

  test::TempFolder folder_;
  std::shared_ptr<const formats::TensorFile> file_;
};

std::vector<float> rows_of(const FileWithTensor& file, int64_t first, int64_t rows, int64_t width) {
  std::vector<float> out(static_cast<size_t>(rows * width), -1);
  read_rows(file.tensor(), first, rows, out);
  return out;
}

TEST(ReadRows, ReadsOnlyTheRowsAskedFor) {
  const FileWithTensor file(DType::kF32, {3, 2}, bytes_of<float>({1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(rows_of(file, 1, 2, 2), ElementsAre(3, 4, 5, 6));
}

TEST(ReadRows, MultipliesEachRowByItsScale) {
  const FileWithTensor file(DType::kI8, {2, 2}, bytes_of<int8_t>({1, -2, 3, 127}), DType::kF32,
                            {2, 1}, bytes_of<float>({0.5f, 2}));
  EXPECT_THAT(rows_of(file, 0, 2, 2), ElementsAre(0.5f, -1, 6, 254));
  EXPECT_THAT(rows_of(file, 1, 1, 2), ElementsAre(6, 254));
}

TEST(ReadRows, MultipliesAllRowsByAScaleForTheTensor) {
  const uint8_t one = numerics::float_to_f8_e4m3(1);
  const uint8_t two = numerics::float_to_f8_e4m3(2);
  const uint16_t quarter = numerics::float_to_bf16(0.25f);
  const FileWithTensor file(DType::kF8E4M3, {2, 1}, bytes_of<uint8_t>({one, two}), DType::kBF16,
                            {1}, bytes_of<uint16_t>({quarter}));
  EXPECT_THAT(rows_of(file, 0, 2, 1), ElementsAre(0.25f, 0.5f));
}

TEST(ReadRows, TakesAScalarForOneRow) {
  const FileWithTensor file(DType::kF32, {}, bytes_of<float>({7}));
  EXPECT_THAT(rows_of(file, 0, 1, 1), ElementsAre(7));
}

TEST(ReadRows, FeedsTheDigestWithTheStoredBytes) {
  const FileWithTensor file(DType::kF32, {2, 1}, bytes_of<float>({1, 2}));
  std::vector<float> out(2);
  TreeDigest digest(stored_bytes(file.tensor())), want(8);
  want.add(0, bytes_of<float>({1, 2}));

  read_rows(file.tensor(), 0, 2, out, &digest);

  EXPECT_EQ(digest.hex(), want.hex());
}

TEST(Widen, SaysWhichTypeIsNoWeight) {
  const int64_t value = 0;
  float out = 0;
  EXPECT_REEL_ERROR(widen(DType::kI64, reinterpret_cast<const std::byte*>(&value), 1, &out),
                    kUnsupported, "type i64");
}

}  // namespace
}  // namespace reel::prepare
