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
constexpr int64_t kWidenedAtOnce = int64_t{4} << 20;

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

// On all threads.
void add_to(TreeDigest& digest, uint64_t offset_bytes, std::span<const std::byte> bytes) {
  constexpr int64_t kLeaf = int64_t{TreeDigest::kLeafBytes};
  const auto size = static_cast<int64_t>(bytes.size());
  parallel_for((size + kLeaf - 1) / kLeaf, 4, [&](int64_t begin, int64_t end) {
    const auto first = static_cast<size_t>(begin * kLeaf);
    const auto last = static_cast<size_t>(std::min(size, end * kLeaf));
    digest.add(offset_bytes + first, bytes.subspan(first, last - first));
  });
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

uint64_t dense_bytes(const formats::TensorEntry& entry) {
  return static_cast<uint64_t>(storage_bytes(entry.dtype, entry.shape.elements()));
}

uint64_t stored_bytes(const StoredTensor& tensor) {
  return dense_bytes(*tensor.entry) + (tensor.scale == nullptr ? 0 : dense_bytes(*tensor.scale));
}

std::vector<float> read_row_scales(const StoredTensor& tensor, int64_t first_row, int64_t rows,
                                   TreeDigest* digest) {
  if (tensor.scale == nullptr) return std::vector<float>(static_cast<size_t>(rows), 1.0f);
  const formats::TensorEntry& entry = *tensor.scale;
  const bool per_row = entry.shape.elements() > 1;
  const int64_t count = per_row ? rows : 1;
  const int64_t start = per_row ? first_row : 0;
  std::vector<std::byte> raw(static_cast<size_t>(storage_bytes(entry.dtype, count)));
  tensor.scale_file->read_range(entry, static_cast<uint64_t>(storage_bytes(entry.dtype, start)),
                                raw);
  if (digest != nullptr) {
    const auto before = static_cast<uint64_t>(storage_bytes(entry.dtype, start));
    digest->add(dense_bytes(*tensor.entry) + before, raw);
  }
  std::vector<float> scales(static_cast<size_t>(count));
  widen(entry.dtype, raw.data(), count, scales.data());
  if (!per_row) scales.resize(static_cast<size_t>(rows), scales[0]);
  return scales;
}

void read_rows(const StoredTensor& tensor, int64_t first_row, int64_t rows, std::span<float> out,
               TreeDigest* digest, const StopFlag* stop) {
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
  const auto before = static_cast<size_t>(storage_bytes(entry.dtype, first_row * width));
  std::vector<std::byte> raw;
  size_t start = 0;
  if (entry.strides.empty()) {
    raw.resize(static_cast<size_t>(storage_bytes(entry.dtype, rows * width)));
    read_stored(tensor, before, raw, stop);
  } else {
    raw.resize(static_cast<size_t>(storage_bytes(entry.dtype, all_rows * width)));
    tensor.file->read(entry, raw);
    start = before;
  }
  const auto row_bytes = static_cast<size_t>(storage_bytes(entry.dtype, rows * width));
  if (digest != nullptr) add_to(*digest, before, std::span(raw).subspan(start, row_bytes));
  const std::vector<float> scales = tensor.scale == nullptr
                                        ? std::vector<float>{}
                                        : read_row_scales(tensor, first_row, rows, digest);
  const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, width));
  const int64_t at_once = std::max<int64_t>(1, kWidenedAtOnce / std::max<int64_t>(1, width));
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
