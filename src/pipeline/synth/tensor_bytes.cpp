// SPDX-License-Identifier: Apache-2.0
#include "pipeline/synth/tensor_bytes.h"

#include <algorithm>

#include "base/parallel.h"
#include "core/numerics/small_floats.h"
#include "pipeline/synth/rounding.h"

namespace reel::synth {
namespace {

constexpr int64_t kPieceElements = int64_t{1} << 22;  // made before anything is written
constexpr int64_t kGrainElements = int64_t{1} << 16;  // of one thread
constexpr int64_t kFlatRow = 8192;                    // of numbers whose rows have no meaning here

// How a tensor is cut: rows of one length, the last perhaps shorter.
struct Rows {
  int64_t elements;  // of the tensor
  int64_t width;
  int64_t count;

  int64_t begin(int64_t row) const { return row * width; }
  int64_t width_of(int64_t row) const { return std::min(width, elements - begin(row)); }
};

Rows rows_of(const TensorPlan& tensor) {
  const Shape& shape = tensor.spec.shape;
  const bool has_rows = tensor.content == Content::kRowScaled || is_block_format(tensor.spec.dtype);
  const int64_t width = has_rows ? shape.width() : kFlatRow;
  return {shape.elements(), width, (shape.elements() + width - 1) / width};
}

// Calls body(row, numbers) for rows [first, last) on all threads.
void for_rows(const TensorValues& values, const Rows& rows, int64_t first, int64_t last,
              const std::function<void(int64_t, std::span<const float>)>& body) {
  const int64_t grain = std::max<int64_t>(1, kGrainElements / rows.width);
  parallel_for(last - first, grain, [&](int64_t begin, int64_t end) {
    std::vector<float> numbers(static_cast<size_t>(rows.width));
    for (int64_t row = first + begin; row < first + end; ++row) {
      const auto used = std::span(numbers).first(static_cast<size_t>(rows.width_of(row)));
      values.fill(rows.begin(row), used);
      body(row, used);
    }
  });
}

float rounded_scale(float scale, DType dtype) {
  return dtype == DType::kBF16 ? numerics::bf16_to_float(numerics::float_to_bf16(scale)) : scale;
}

}  // namespace

void TensorBytes::make(const TensorPlan& tensor,
                       const std::function<void(std::span<const std::byte>)>& take) {
  if (tensor.content == Content::kBytes) {
    take(std::as_bytes(std::span(tensor.bytes)));
  } else if (tensor.content == Content::kScales) {
    const auto count = static_cast<int64_t>(scales_.size());
    auto& piece = next_piece(storage_bytes(tensor.spec.dtype, count));
    round_row(scales_, tensor.spec.dtype, piece.data());
    take(piece);
  } else {
    make_numbers(tensor, take);
  }
}

std::vector<std::byte>& TensorBytes::next_piece(int64_t size_bytes) {
  auto& piece = pieces_[next_++ % pieces_.size()];
  piece.resize(static_cast<size_t>(size_bytes));
  return piece;
}

void TensorBytes::make_numbers(const TensorPlan& tensor,
                               const std::function<void(std::span<const std::byte>)>& take) {
  const Rows rows = rows_of(tensor);
  const DType dtype = tensor.spec.dtype;
  const bool per_row = tensor.content == Content::kRowScaled;
  scales_.assign(per_row ? static_cast<size_t>(rows.count) : 1, 0.0f);
  if (tensor.content == Content::kTensorScaled) {
    scales_[0] = scale_of(largest_of(tensor), tensor.scale_floor, dtype);
  }
  const int64_t step = std::max<int64_t>(1, kPieceElements / rows.width);
  for (int64_t first = 0; first < rows.count; first += step) {
    const int64_t last = std::min(rows.count, first + step);
    const int64_t start = storage_bytes(dtype, rows.begin(first));
    const int64_t end = storage_bytes(dtype, rows.begin(last - 1) + rows.width_of(last - 1));
    auto& piece = next_piece(end - start);
    for_rows(*tensor.values, rows, first, last, [&](int64_t row, std::span<const float> in) {
      std::byte* out = piece.data() + (storage_bytes(dtype, rows.begin(row)) - start);
      if (tensor.content == Content::kRounded) return round_row(in, dtype, out);
      float& scale = scales_[per_row ? static_cast<size_t>(row) : 0];
      if (per_row) {
        scale = rounded_scale(scale_of(largest_magnitude(in), tensor.scale_floor, dtype),
                              tensor.scale_dtype);
      }
      quantise_row(in, scale, dtype, out);
    });
    take(piece);
  }
}

float TensorBytes::largest_of(const TensorPlan& tensor) const {
  const Rows rows = rows_of(tensor);
  std::vector<float> largest(static_cast<size_t>(rows.count));
  for_rows(*tensor.values, rows, 0, rows.count, [&](int64_t row, std::span<const float> in) {
    largest[static_cast<size_t>(row)] = largest_magnitude(in);
  });
  return *std::ranges::max_element(largest);
}

}  // namespace reel::synth
