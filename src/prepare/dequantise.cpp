// SPDX-License-Identifier: Apache-2.0
#include "prepare/dequantise.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "core/block_formats.h"
#include "core/numerics/small_floats.h"

namespace reel::prepare {
namespace {

using checkpoint::StoredTensor;

// What is read or widened between two looks at the stop flag: some hundredths of a second.
constexpr uint64_t kBytesAtOnce = uint64_t{8} << 20;
constexpr int64_t kElementsAtOnce = int64_t{4} << 20;

void check(const StopFlag* stop) {
  if (stop != nullptr) stop->check();
}

void read_stored(const StoredTensor& tensor, uint64_t offset_bytes, std::span<std::byte> to,
                 const StopFlag* stop) {
  for (uint64_t at = 0; at < to.size(); at += kBytesAtOnce) {
    check(stop);
    tensor.file->read_range(*tensor.entry, offset_bytes + at,
                            to.subspan(at, std::min<uint64_t>(kBytesAtOnce, to.size() - at)));
  }
}

template <typename Bits, typename Convert>
void convert(const std::byte* from, int64_t elements, float* out, Convert to_float) {
  for (int64_t at = 0; at < elements; ++at) {
    Bits bits;
    std::memcpy(&bits, from + at * static_cast<int64_t>(sizeof bits), sizeof bits);
    out[at] = to_float(bits);
  }
}

}  // namespace

void widen(DType dtype, const std::byte* from, int64_t elements, float* out) {
  using namespace numerics;
  if (is_block_format(dtype)) return dequantise_blocks(dtype, from, elements, out);
  switch (dtype) {
    case DType::kF32: std::memcpy(out, from, static_cast<size_t>(elements) * 4); return;
    case DType::kBF16: return convert<uint16_t>(from, elements, out, bf16_to_float);
    case DType::kF16: return convert<uint16_t>(from, elements, out, f16_to_float);
    case DType::kF8E4M3: return convert<uint8_t>(from, elements, out, f8_e4m3_to_float);
    case DType::kF8E5M2: return convert<uint8_t>(from, elements, out, f8_e5m2_to_float);
    case DType::kI8:
      return convert<int8_t>(from, elements, out, [](int8_t v) { return static_cast<float>(v); });
    case DType::kU8:
      return convert<uint8_t>(from, elements, out, [](uint8_t v) { return static_cast<float>(v); });
    case DType::kF64:
      return convert<double>(from, elements, out, [](double v) { return static_cast<float>(v); });
    default: break;
  }
  fail(ErrorCode::kUnsupported, str_cat("Weights of type ", dtype, " cannot be read as numbers."));
}

std::vector<float> read_row_scales(const StoredTensor& tensor, int64_t first_row, int64_t rows,
                                   Digest* digest) {
  if (tensor.scale == nullptr) return std::vector<float>(static_cast<size_t>(rows), 1.0f);
  const formats::TensorEntry& entry = *tensor.scale;
  const bool per_row = entry.shape.elements() > 1;
  const int64_t count = per_row ? rows : 1;
  const int64_t start = per_row ? first_row : 0;
  std::vector<std::byte> raw(static_cast<size_t>(storage_bytes(entry.dtype, count)));
  tensor.scale_file->read_range(entry, static_cast<uint64_t>(storage_bytes(entry.dtype, start)),
                                raw);
  if (digest != nullptr) digest->add(raw);
  std::vector<float> scales(static_cast<size_t>(count));
  widen(entry.dtype, raw.data(), count, scales.data());
  if (!per_row) scales.resize(static_cast<size_t>(rows), scales[0]);
  return scales;
}

void read_rows(const StoredTensor& tensor, int64_t first_row, int64_t rows, std::span<float> out,
               Digest* digest, const StopFlag* stop) {
  const formats::TensorEntry& entry = *tensor.entry;
  const int64_t all_rows = entry.shape.axes() == 0 ? 1 : entry.shape[0];
  const int64_t width = all_rows == 0 ? 0 : entry.shape.elements() / all_rows;
  REEL_REQUIRE(static_cast<int64_t>(out.size()) == rows * width && first_row >= 0 &&
                   first_row + rows <= all_rows,
               kInternal, str_cat("rows of \"", entry.name, "\" ", entry.shape));
  REEL_REQUIRE(
      width % block_elements(entry.dtype) == 0, kBadFile,
      str_cat(tensor.file->path(), ": \"", entry.name, "\" is ", entry.dtype, ' ', entry.shape,
              "; its rows are not whole blocks of ", block_elements(entry.dtype), '.'));
  std::vector<std::byte> raw;
  size_t start = 0;
  if (entry.strides.empty()) {
    raw.resize(static_cast<size_t>(storage_bytes(entry.dtype, rows * width)));
    read_stored(tensor, static_cast<uint64_t>(storage_bytes(entry.dtype, first_row * width)), raw,
                stop);
  } else {
    raw.resize(static_cast<size_t>(storage_bytes(entry.dtype, all_rows * width)));
    tensor.file->read(entry, raw);
    start = static_cast<size_t>(storage_bytes(entry.dtype, first_row * width));
  }
  if (digest != nullptr) digest->add(raw);
  const std::vector<float> scales = tensor.scale == nullptr
                                        ? std::vector<float>{}
                                        : read_row_scales(tensor, first_row, rows, digest);
  const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, width));
  const int64_t at_once = std::max<int64_t>(1, kElementsAtOnce / std::max<int64_t>(1, width));
  for (int64_t first = 0; first < rows; first += at_once) {
    check(stop);
    parallel_for(std::min(at_once, rows - first), grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = first + begin; row < first + end; ++row) {
        float* const to = out.data() + row * width;
        widen(entry.dtype, raw.data() + start + storage_bytes(entry.dtype, row * width), width, to);
        if (scales.empty()) continue;
        const float scale = scales[static_cast<size_t>(row)];
        for (int64_t col = 0; col < width; ++col) to[col] *= scale;
      }
    });
  }
}

}  // namespace reel::prepare
